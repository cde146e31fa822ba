import type { Digest } from '#core'
import type { HistoryEntry, ImageConfig, Platform } from '#oci'
import type { EffectiveDefinition } from './definition/definition.ts'
import { ImageError } from './errors.ts'

/** A user as containers run as: numbers, so that no runtime has to look a name up. */
export interface RunAs {
  readonly name: string | undefined
  readonly uid: number
  readonly gid: number
}

/**
 * Finds the numbers of a contract's user, given as a name of /etc/passwd, a uid or `uid:gid`. Throws
 * `DEFINITION_INVALID` for a name that the image does not have.
 */
export function findUser(runAs: string, passwd: string): RunAs {
  const accounts = passwd.split('\n').map((line) => line.split(':'))
  const [user = '', group] = runAs.split(':')
  const isNumber = /^\d+$/.test(user)
  const account = accounts.find((fields) => fields[isNumber ? 2 : 0] === user)
  if (account === undefined && !isNumber) {
    throw new ImageError('DEFINITION_INVALID', `cannot run as "${runAs}": the image has no account of that name`)
  }
  const uid = Number(account?.[2] ?? user)
  return { name: account?.[0], uid, gid: Number(group ?? account?.[3] ?? uid) }
}

/** What an image's config is made from, besides its definition. */
export interface ConfigFacts {
  readonly platform: Platform
  readonly user: RunAs
  /** Seconds since the epoch. */
  readonly epoch: number
  /** The value of `org.opencontainers.image.version`. */
  readonly version: string
  /** What each layer holds, lowest first. */
  readonly layers: readonly { readonly name: string }[]
  /** Labels beside the definition's own, e.g. the contract's. */
  readonly labels: Readonly<Record<string, string>>
  /** What an overlay stacks on. */
  readonly base?: BaseImage | undefined
}

/** An image that another one stacks on. */
export interface BaseImage {
  /** With its version as tag. */
  readonly name: string
  /** Of its manifest for the same platform. */
  readonly digest: Digest
}

/** Gives the config of an image but for its layers' digests: a function of the definition and the selected packages alone. */
export function imageConfig(definition: EffectiveDefinition, facts: ConfigFacts): Omit<ImageConfig, 'diffIds'> {
  const { contract, entrypoint, cmd, environment } = definition
  const created = formatTime(facts.epoch)
  return {
    created,
    platform: facts.platform,
    config: {
      User: `${facts.user.uid}:${facts.user.gid}`,
      Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      WorkingDir: contract.workDir,
      StopSignal: contract.stopSignal,
      Labels: { ...imageAnnotations(definition, facts), ...definition.labels, ...facts.labels },
      ...(entrypoint.length > 0 ? { Entrypoint: entrypoint } : {}),
      ...(cmd.length > 0 ? { Cmd: cmd } : {}),
      ...(contract.ports.length > 0 ? { ExposedPorts: contract.ports } : {}),
      ...(contract.volumes.length > 0 ? { Volumes: contract.volumes } : {}),
    },
    history: facts.layers.map((layer): HistoryEntry => ({ created, created_by: `casemate: ${layer.name}` })),
  }
}

/** The annotations of image-spec §annotations that an image carries, on its manifest and as labels. */
export function imageAnnotations(
  definition: EffectiveDefinition,
  { epoch, version, base }: Pick<ConfigFacts, 'epoch' | 'version' | 'base'>,
): Record<string, string> {
  const values: Record<string, string | undefined> = {
    created: formatTime(epoch),
    title: definition.title,
    description: definition.description,
    version,
    vendor: definition.vendor,
    licenses: definition.licenses,
    url: definition.url,
    documentation: definition.documentation,
    source: definition.source,
    // Composed images stand on nothing but packages.
    'base.name': base?.name ?? 'scratch',
    'base.digest': base?.digest,
  }
  const annotations: Record<string, string> = {}
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== '') annotations[`org.opencontainers.image.${name}`] = value
  }
  return { ...annotations, ...definition.annotations }
}

/** RFC 3339 in UTC, to the second. */
export function formatTime(epoch: number): string {
  return new Date(epoch * 1000).toISOString().replace('.000Z', 'Z')
}
