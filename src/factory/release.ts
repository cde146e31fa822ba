import { canonicalJson, type Digest, digestOf } from '#core'
import type { DebVersion } from '#debian'
import type { Moment } from './moment.ts'

/** An exact package that an image holds. */
export interface HeldPackage {
  /** The named archive that it came from, e.g. `debian-13`, whichever of its suites. */
  readonly archive: string
  readonly name: string
  readonly version: DebVersion
  readonly architecture: string
  readonly source: { readonly name: string; readonly version: DebVersion }
}

/** What an image is on one platform. */
export interface ReleasedManifest {
  /** As OCI writes it, e.g. `linux/amd64`. */
  readonly platform: string
  readonly digest: Digest
  readonly packages: readonly HeldPackage[]
  /** The `contentsDigest` of an image that this one is built on: what both hold is then stored once. */
  readonly base?: Digest
}

/** An image that is published with all its evidence. */
export interface NewRelease {
  readonly image: string
  /** `runtime`, `dev`, … */
  readonly variant: string
  /** Of the index. */
  readonly digest: Digest
  /** Of the lock that it was built from. */
  readonly lock: Digest
  readonly tags: readonly string[]
  readonly manifests: readonly ReleasedManifest[]
  /** Digests of the envelopes that are attached, by predicate type. */
  readonly evidence: Readonly<Record<string, Digest>>
  readonly released: Moment
  /** The run that made it; none for an image that was taken over. */
  readonly run?: number
  /** The earlier release that this one goes back to, with the same digest. */
  readonly restores?: number
}

/** A release of the history. */
export interface Release extends Omit<NewRelease, 'manifests'> {
  readonly id: number
  readonly manifests: readonly { readonly platform: string; readonly digest: Digest; readonly contents: Digest }[]
}

/** Tags of a repository that are to name another manifest. */
export type TagIntent = {
  readonly image: string
  readonly variant: string
  /** With its registry, e.g. `registry.example.org/python`. */
  readonly repository: string
  readonly digest: Digest
  /** What each tag named when this was intended; `null` for one that was not there. */
  readonly tags: Readonly<Record<string, Digest | null>>
  /** The run that it belongs to, or the release that shall have its tags back. */
  readonly cause: { readonly run: number } | { readonly restores: number }
  readonly at: Moment
}

/** The identity of what an image holds: its packages, whatever their order, and nothing else. */
export function contentsDigest(packages: readonly HeldPackage[]): Digest {
  return digestOf(canonicalJson(packages.map(packageKey).sort()))
}

/** A text that is different for different packages. */
export function packageKey({ archive, name, version, architecture, source }: HeldPackage): string {
  return [archive, name, version, architecture, source.name, source.version].join(' ')
}
