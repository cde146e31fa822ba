import type { XStatic } from 'typebox/schema'
import { canonicalJson, type Fault, faultsOf, formatFault, type Shape } from '#core'
import { SandboxError } from './errors.ts'
import { type ImageConfig, parseEnvironment } from './image-config.ts'

const text = { type: 'string' } as const satisfies Shape
const texts = { type: 'array', items: text } as const satisfies Shape
const path = {
  type: 'string',
  title: 'an absolute path',
  pattern: '^/([^/\\u0000]+(/[^/\\u0000]+)*)?$',
} as const satisfies Shape
const id = { type: 'integer', title: 'a number from 0 to 4294967294', minimum: 0, maximum: 4294967294 } as const

/** The JSON Schema of a contract document, `casemate.contract/v1`. */
export const contractSchema = {
  type: 'object',
  additionalProperties: false,
  required: [
    ...(['schema', 'user', 'entrypoint', 'cmd', 'ports', 'writable', 'stop-signal', 'environment'] as const),
    'work-dir',
  ],
  properties: {
    schema: { enum: ['casemate.contract/v1'] },
    user: {
      type: 'object',
      title: 'uid and gid',
      additionalProperties: false,
      required: ['uid', 'gid'],
      properties: { name: { type: 'string', title: 'text, not empty', minLength: 1 }, uid: id, gid: id },
    },
    entrypoint: texts,
    cmd: texts,
    ports: {
      type: 'array',
      items: { type: 'string', title: 'a port: 8080/tcp', pattern: '^[0-9]{1,5}/(tcp|udp|sctp)$' },
    },
    writable: { type: 'array', items: path },
    'stop-signal': { type: 'string', title: 'a signal: SIGTERM', pattern: '^SIG[A-Z0-9+]+$' },
    environment: { type: 'object', additionalProperties: text },
    'work-dir': path,
  },
} as const satisfies Shape

/** What an image promises to who runs it: the things a change of which breaks a deployment. */
export type Contract = XStatic<typeof contractSchema>

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
  const faults = faultsOf(contractSchema, value)
  if (isContract(value, faults)) return value
  throw new SandboxError('CONTRACT_INVALID', `cannot parse contract: ${faults.map(formatFault).join('; ')}`)
}

/** The schema is where the type is inferred from, so a value without faults has it. */
function isContract(_value: unknown, faults: readonly Fault[]): _value is Contract {
  return faults.length === 0
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
