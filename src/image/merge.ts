import { type BinaryPackage, satisfies } from '#debian'
import { ImageError } from './errors.ts'
import { packageKey } from './lock/lock.ts'
import type { MemberEdit, MemberEntry, MemberIndex } from './member.ts'
import type { TreeEntry } from './tree.ts'

/** A package and what its member ships. */
export interface MemberOfPackage {
  readonly package: BinaryPackage
  readonly index: MemberIndex
}

/** A path that a maintainer script diverts: everybody's file but the diverting package's goes to `to` (dpkg-divert(1)). */
export interface Diversion {
  readonly path: string
  readonly to: string
  readonly by: string
}

/** The merged tree of all packages, and what members have to leave out or rename for it to be true. */
export interface MergedPackages {
  readonly entries: readonly TreeEntry[]
  /** By path, the member that holds it and its entry there, which a diversion may have renamed. */
  readonly sources: ReadonlyMap<string, MergedSource>
  /** By `packageKey`; packages without an edit are absent. */
  readonly edits: ReadonlyMap<string, readonly MemberEdit[]>
}

/** Where a path's content is found. */
export interface MergedSource {
  /** The `packageKey` of the package that ships the path. */
  readonly owner: string
  readonly member: MemberIndex
  readonly entry: MemberEntry
  /** The path in the unedited member, by which an edit names it. */
  readonly shippedAs: string
}

/** What messages call a package. */
export type PackageLabel = (package_: BinaryPackage) => string

const labelOf: PackageLabel = ({ name, version }) => `${name} ${version}`

interface Claim {
  readonly owner: MemberOfPackage
  /** As it stands in the tree, where a diversion may have moved it. */
  readonly entry: MemberEntry
  /** The path in the unedited member. */
  readonly shippedAs: string
}

/**
 * Merges the paths of all packages as dpkg would, whatever their order: a path shipped by two packages belongs to the one
 * that `Replaces` the other, a diverted path moves, directories are shared. Members are given unedited, in any order.
 * Throws `PATH_CONFLICT`, naming both packages by `label`, where dpkg would refuse or where its result would depend on the order of
 * unpacking (a directory here, a link there; two modes of one directory; two diversions of one path).
 */
export function mergePackages(
  members: readonly MemberOfPackage[],
  diversions: readonly Diversion[],
  label: PackageLabel = labelOf,
): MergedPackages {
  const merge = new Merge(diversions, label)
  const sorted = [...members].sort((left, right) => (packageKey(left.package) < packageKey(right.package) ? -1 : 1))
  for (const owner of sorted) for (const entry of owner.index.entries) merge.take(owner, entry)
  for (const owner of sorted) merge.leadHardlinks(owner)
  const { claims } = merge
  refusePathsBelowLinks(claims, label)
  return {
    entries: [...claims.values()].map(treeEntry),
    sources: new Map([...claims].map(([path, claim]) => [path, sourceOf(claim)])),
    edits: merge.edits,
  }
}

class Merge {
  readonly claims = new Map<string, Claim>()
  readonly #diversions: ReadonlyMap<string, Diversion>
  readonly #label: PackageLabel
  /** By `packageKey`, then by the path in the member: what happens to a path last is what happens to it. */
  readonly #edits = new Map<string, Map<string, MemberEdit>>()

  constructor(diversions: readonly Diversion[], label: PackageLabel) {
    this.#diversions = diversionsByPath(diversions)
    this.#label = label
  }

  /** In the order of paths. */
  get edits(): ReadonlyMap<string, readonly MemberEdit[]> {
    const inOrder = ([owner, own]: [string, Map<string, MemberEdit>]) =>
      [owner, [...own.values()].sort((left, right) => (left.path < right.path ? -1 : 1))] as const
    return new Map([...this.#edits].map(inOrder))
  }

  take(owner: MemberOfPackage, shipped: MemberEntry): void {
    const claim = { owner, entry: this.#divert(owner, shipped), shippedAs: shipped.path }
    const { path } = claim.entry
    const rival = this.claims.get(path)
    if (rival === undefined) {
      this.claims.set(path, claim)
      return
    }
    const winner = settle(rival, claim, this.#label)
    const loser = winner === claim ? rival : claim
    if (winner.entry.type !== 'directory') {
      const because = `${winner.owner.package.name} replaces it`
      this.#edit(loser.owner, { kind: 'leave-out', path: loser.shippedAs, because })
    }
    this.claims.set(path, winner)
  }

  /** Where an edit took or moved a name of a file with hard links, the first name that is left carries the content, as in the member. */
  leadHardlinks(owner: MemberOfPackage): void {
    const edits = this.#edits.get(packageKey(owner.package))
    const links = edits === undefined ? [] : owner.index.entries.filter(({ type }) => type === 'hardlink')
    if (links.length === 0) return
    const won = [...this.claims.values()].filter((claim) => claim.owner === owner)
    const byName = new Map(won.map((claim) => [claim.shippedAs, claim]))
    for (const leader of new Set(links.map(({ target = '' }) => target))) {
      const file = owner.index.entries.find(({ path }) => path === leader)
      const names = [leader, ...links.filter(({ target }) => target === leader).map(({ path }) => path)]
      const placed = names
        .flatMap((name) => byName.get(name) ?? [])
        .sort((left, right) => (left.entry.path < right.entry.path ? -1 : 1))
      const [first] = placed
      if (file === undefined || first === undefined) continue
      for (const claim of placed) {
        const { path, mtime } = claim.entry
        const { digest: _, offset: __, ...metadata } = file
        const link: MemberEntry = { ...metadata, path, mtime, type: 'hardlink', size: 0, target: first.entry.path }
        this.claims.set(path, { ...claim, entry: claim === first ? { ...file, path } : link })
      }
    }
  }

  #divert(owner: MemberOfPackage, entry: MemberEntry): MemberEntry {
    const diversion = this.#diversions.get(entry.path)
    if (diversion === undefined || diversion.by === owner.package.name || entry.type === 'directory') return entry
    this.#edit(owner, { kind: 'rename', path: entry.path, to: diversion.to, because: `${diversion.by} diverts it` })
    return { ...entry, path: diversion.to }
  }

  #edit(owner: MemberOfPackage, change: MemberEdit): void {
    const key = packageKey(owner.package)
    const own = this.#edits.get(key) ?? new Map<string, MemberEdit>()
    this.#edits.set(key, own.set(change.path, change))
  }
}

function diversionsByPath(diversions: readonly Diversion[]): ReadonlyMap<string, Diversion> {
  const byPath = new Map<string, Diversion>()
  for (const diversion of diversions) {
    const other = byPath.get(diversion.path)
    if (other !== undefined && (other.by !== diversion.by || other.to !== diversion.to)) {
      const [first, second] = [other.by, diversion.by].sort()
      const reason = `${first} and ${second} both divert it (${[other.to, diversion.to].sort().join(', ')})`
      throw new ImageError('PATH_CONFLICT', `cannot divert ${diversion.path}: ${reason}`)
    }
    byPath.set(diversion.path, diversion)
  }
  return byPath
}

function sourceOf({ owner, entry, shippedAs }: Claim): MergedSource {
  return { owner: packageKey(owner.package), member: owner.index, entry, shippedAs }
}

/** Decides which of two packages a path belongs to. */
function settle(left: Claim, right: Claim, label: PackageLabel): Claim {
  if (left.entry.type === 'directory' && right.entry.type === 'directory') {
    const isSame =
      left.entry.mode === right.entry.mode && left.entry.uid === right.entry.uid && left.entry.gid === right.entry.gid
    if (!isSame)
      throw conflict(
        left,
        right,
        label,
        `they give the directory different modes or owners (${modeOf(left)}, ${modeOf(right)})`,
      )
    return left.entry.mtime >= right.entry.mtime ? left : right
  }
  if (left.entry.type === 'directory' || right.entry.type === 'directory') {
    throw conflict(left, right, label, `one ships a ${left.entry.type}, the other a ${right.entry.type}`)
  }
  const rightReplaces = replaces(right.owner.package, left.owner.package)
  const leftReplaces = replaces(left.owner.package, right.owner.package)
  if (rightReplaces === leftReplaces) {
    const reason = rightReplaces ? 'each declares that it Replaces the other' : 'neither declares Replaces'
    throw conflict(left, right, label, `both ship it and ${reason}`)
  }
  return rightReplaces ? right : left
}

/** Tells whether a package declares `Replaces` on another by its real name: virtual ones do not count (Debian policy 7.6.1). */
function replaces(winner: BinaryPackage, loser: BinaryPackage): boolean {
  return winner.replaces.some(
    ({ name, operator, version }) => name === loser.name && satisfies(loser.version, operator, version),
  )
}

/**
 * A file below a link would land somewhere else than its package says, perhaps outside everything (a link to `/outside`
 * in one package, a file below it in another): refused, whoever ships the link.
 */
function refusePathsBelowLinks(merged: ReadonlyMap<string, Claim>, label: PackageLabel): void {
  for (const claim of merged.values()) {
    for (let end = claim.entry.path.lastIndexOf('/'); end > 0; end = claim.entry.path.lastIndexOf('/', end - 1)) {
      const above = merged.get(claim.entry.path.slice(0, end))
      if (above === undefined) continue
      if (above.entry.type === 'directory') break
      throw conflict(
        above,
        claim,
        label,
        `${above.entry.path} is a ${above.entry.type}, and the other ships ${claim.entry.path} below it`,
      )
    }
  }
}

function treeEntry({ owner, entry }: Claim): TreeEntry {
  const { path, mode, uid, gid, mtime } = entry
  const metadata = { path, mode, uid, gid, mtime, origin: { kind: 'package', name: owner.package.name } } as const
  switch (entry.type) {
    case 'directory':
      return { type: 'directory', ...metadata }
    case 'symlink':
    case 'hardlink':
      return { type: entry.type, target: entry.target ?? '', ...metadata }
    case 'file':
      if (entry.digest === undefined) {
        throw new ImageError(
          'CACHE_DAMAGED',
          `cannot merge ${path}: the member of ${owner.package.name} has no digest for it`,
        )
      }
      return { type: 'file', size: entry.size, digest: entry.digest, ...metadata }
  }
}

function modeOf({ entry }: Claim): string {
  return `${entry.mode.toString(8).padStart(4, '0')} ${entry.uid}:${entry.gid}`
}

function conflict(left: Claim, right: Claim, label: PackageLabel, reason: string): ImageError {
  const name = ({ owner }: Claim) => label(owner.package)
  return new ImageError(
    'PATH_CONFLICT',
    `cannot merge ${left.entry.path} of ${name(left)} with ${name(right)}: ${reason}`,
  )
}
