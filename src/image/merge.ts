import { type BinaryPackage, type PackageRelation, satisfies } from '#debian'
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
}

interface Claim {
  readonly owner: MemberOfPackage
  readonly entry: MemberEntry
}

/**
 * Merges the paths of all packages as dpkg would, whatever their order: a path shipped by two packages belongs to the one
 * that `Replaces` the other, a diverted path moves, directories are shared. Members are given unedited, in any order.
 * Throws `PATH_CONFLICT`, naming both packages, where dpkg would refuse or where its result would depend on the order of
 * unpacking (a directory here, a link there; two modes of one directory).
 */
export function mergePackages(members: readonly MemberOfPackage[], diversions: readonly Diversion[]): MergedPackages {
  const merged = new Map<string, Claim>()
  const edits = new Map<string, MemberEdit[]>()
  const edit = (owner: MemberOfPackage, change: MemberEdit) => {
    const own = edits.get(packageKey(owner.package))
    if (own === undefined) edits.set(packageKey(owner.package), [change])
    else own.push(change)
  }
  const diverted = new Map(diversions.map((diversion) => [diversion.path, diversion]))
  for (const owner of [...members].sort((left, right) =>
    packageKey(left.package) < packageKey(right.package) ? -1 : 1,
  )) {
    for (const shipped of owner.index.entries) {
      const entry = divert(owner, shipped, diverted.get(shipped.path), edit)
      const rival = merged.get(entry.path)
      if (rival === undefined) {
        merged.set(entry.path, { owner, entry })
        continue
      }
      const winner = settle(rival, { owner, entry })
      const loser = winner.owner === owner ? rival : { owner, entry }
      if (winner.entry.type !== 'directory') {
        edit(loser.owner, { kind: 'leave-out', path: entry.path, because: `${winner.owner.package.name} replaces it` })
      }
      merged.set(entry.path, winner)
    }
  }
  refusePathsBelowLinks(merged)
  const sources = new Map([...merged].map(([path, claim]) => [path, sourceOf(claim)]))
  return { entries: [...merged.values()].map(treeEntry), sources, edits }
}

function sourceOf({ owner, entry }: Claim): MergedSource {
  return { owner: packageKey(owner.package), member: owner.index, entry }
}

function divert(
  owner: MemberOfPackage,
  entry: MemberEntry,
  diversion: Diversion | undefined,
  edit: (owner: MemberOfPackage, change: MemberEdit) => void,
): MemberEntry {
  if (diversion === undefined || diversion.by === owner.package.name || entry.type === 'directory') return entry
  edit(owner, { kind: 'rename', path: entry.path, to: diversion.to, because: `${diversion.by} diverts it` })
  return { ...entry, path: diversion.to }
}

/** Decides which of two packages a path belongs to. */
function settle(left: Claim, right: Claim): Claim {
  if (left.entry.type === 'directory' && right.entry.type === 'directory') {
    const isSame =
      left.entry.mode === right.entry.mode && left.entry.uid === right.entry.uid && left.entry.gid === right.entry.gid
    if (!isSame)
      throw conflict(
        left,
        right,
        `they give the directory different modes or owners (${modeOf(left)}, ${modeOf(right)})`,
      )
    return left.entry.mtime >= right.entry.mtime ? left : right
  }
  if (left.entry.type === 'directory' || right.entry.type === 'directory') {
    throw conflict(left, right, `one ships a ${left.entry.type}, the other a ${right.entry.type}`)
  }
  const rightReplaces = replaces(right.owner.package, left.owner.package)
  const leftReplaces = replaces(left.owner.package, right.owner.package)
  if (rightReplaces === leftReplaces) {
    const reason = rightReplaces ? 'each declares that it Replaces the other' : 'neither declares Replaces'
    throw conflict(left, right, `both ship it and ${reason}`)
  }
  return rightReplaces ? right : left
}

/** Tells whether a package declares `Replaces` on another, by its name or a name it provides (deb-control(5)). */
function replaces(winner: BinaryPackage, loser: BinaryPackage): boolean {
  return winner.replaces.some((relation) => names(relation, loser))
}

function names(relation: PackageRelation, target: BinaryPackage): boolean {
  if (relation.name === target.name) return satisfies(target.version, relation.operator, relation.version)
  return relation.operator === undefined && target.provides.some((provision) => provision.name === relation.name)
}

/**
 * A file below a link would land somewhere else than its package says, perhaps outside everything (a link to `/outside`
 * in one package, a file below it in another): refused, whoever ships the link.
 */
function refusePathsBelowLinks(merged: ReadonlyMap<string, Claim>): void {
  for (const claim of merged.values()) {
    for (let end = claim.entry.path.lastIndexOf('/'); end > 0; end = claim.entry.path.lastIndexOf('/', end - 1)) {
      const above = merged.get(claim.entry.path.slice(0, end))
      if (above === undefined) continue
      if (above.entry.type === 'directory') break
      throw conflict(
        above,
        claim,
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

function conflict(left: Claim, right: Claim, reason: string): ImageError {
  const name = ({ owner }: Claim) => `${owner.package.name} ${owner.package.version}`
  return new ImageError(
    'PATH_CONFLICT',
    `cannot merge ${left.entry.path} of ${name(left)} with ${name(right)}: ${reason}`,
  )
}
