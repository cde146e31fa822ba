import Type, { type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { canonicalJson } from '#core'
import { SandboxError } from './errors.ts'
import { type ImageConfig, parseEnvironment } from './image-config.ts'

const absolutePath = Type.String({ pattern: '^/([^/\\u0000]+(/[^/\\u0000]+)*)?$' })
const userId = Type.Integer({ minimum: 0, maximum: 4294967294 })
const strict = { additionalProperties: false }

/** The JSON Schema of a contract document, `casemate.contract/v1`. */
export const contractSchema = Type.Object(
  {
    schema: Type.Literal('casemate.contract/v1'),
    user: Type.Object({ name: Type.Optional(Type.String({ minLength: 1 })), uid: userId, gid: userId }, strict),
    entrypoint: Type.Array(Type.String()),
    cmd: Type.Array(Type.String()),
    ports: Type.Array(Type.String({ pattern: '^[0-9]{1,5}/(tcp|udp|sctp)$' })),
    writable: Type.Array(absolutePath),
    'stop-signal': Type.String({ pattern: '^SIG[A-Z0-9+]+$' }),
    environment: Type.Record(Type.String(), Type.String()),
    'work-dir': absolutePath,
  },
  strict,
)

const validator = Compile(contractSchema)

/** What an image promises to who runs it: the things a change of which breaks a deployment. */
export type Contract = Static<typeof contractSchema>

/** The label that carries the whole contract as canonical JSON; plain labels below it repeat what people filter by. */
export const contractLabel = 'dev.casemate.contract'

/** Reads a contract document. Throws `CONTRACT_INVALID` naming the key. */
export function parseContract(text: string): Contract {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new SandboxError('CONTRACT_INVALID', 'cannot parse contract: it is no JSON', { cause })
  }
  if (validator.Check(value)) return value
  const [error] = validator.Errors(value)
  throw new SandboxError(
    'CONTRACT_INVALID',
    `cannot parse contract: ${error?.instancePath || 'the document'} ${error?.message ?? 'has the wrong shape'}`,
  )
}

/** Writes a contract as canonical JSON; ports and writable paths are sets and come sorted. */
export function formatContract(contract: Contract): string {
  return canonicalJson({ ...contract, ports: sortPorts(contract.ports), writable: contract.writable.toSorted() })
}

/** The labels of an image that keeps this contract, in code-unit order. */
export function contractLabels(contract: Contract): Record<string, string> {
  return {
    [contractLabel]: formatContract(contract),
    [`${contractLabel}.ports`]: sortPorts(contract.ports).join(','),
    [`${contractLabel}.user`]: `${contract.user.uid}:${contract.user.gid}`,
    [`${contractLabel}.writable`]: contract.writable.toSorted().join(','),
  }
}

/** The contract that an image's label declares, `undefined` where it has none. Throws `CONTRACT_INVALID`. */
export function declaredContract(image: ImageConfig): Contract | undefined {
  const label = image.config?.Labels?.[contractLabel]
  return label === undefined ? undefined : parseContract(label)
}

/**
 * The contract that a container of this image really lives under: what the configuration says wins over the label,
 * since an image built `FROM` ours inherits the label but may set another entrypoint or user. Writable paths are the
 * label's and the volumes. `user` is the configuration's user resolved to numbers.
 * Throws `CONTRACT_INVALID`, `IMAGE_CONFIG_INVALID`.
 */
export function effectiveContract(image: ImageConfig, user: Contract['user']): Contract {
  const config = image.config ?? {}
  const writable = new Set([...(declaredContract(image)?.writable ?? []), ...Object.keys(config.Volumes ?? {})])
  return {
    schema: 'casemate.contract/v1',
    user,
    entrypoint: config.Entrypoint ?? [],
    cmd: config.Cmd ?? [],
    ports: sortPorts(Object.keys(config.ExposedPorts ?? {}).map((port) => (port.includes('/') ? port : `${port}/tcp`))),
    writable: [...writable].sort(),
    'stop-signal': normalSignal(config.StopSignal),
    environment: parseEnvironment(config.Env ?? []),
    'work-dir': config.WorkingDir || '/',
  }
}

/** The top-level keys in which two contracts differ, in code-unit order. */
export function contractDifferences(left: Contract, right: Contract): (keyof Contract)[] {
  const [from, to] = [parseContract(formatContract(left)), parseContract(formatContract(right))]
  const keys: (keyof Contract)[] = [
    'cmd',
    'entrypoint',
    'environment',
    'ports',
    'schema',
    'stop-signal',
    'user',
    'work-dir',
    'writable',
  ]
  return keys.filter((key) => canonicalJson({ [key]: from[key] }) !== canonicalJson({ [key]: to[key] }))
}

function sortPorts(ports: readonly string[]): string[] {
  return ports.toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1))
}

function normalSignal(signal: string | undefined): string {
  if (!signal) return 'SIGTERM'
  return signal.startsWith('SIG') ? signal : `SIG${signal}`
}
