import { type Digest, encodeTarEntry, tarPadding } from '#core'
import { BLOCK_SIZE } from './codec.ts'
import { ImageError } from './errors.ts'
import { tarHeaderOf } from './layer.ts'
import type { MemberEntry, MemberOmission, MemberRecipe } from './member.ts'
import { mergeUsr, ruleAgainst } from './path-rules.ts'

/** A path as a .deb ships it, or one of the package database's own files; contents stand in a spill, by offset. */
export interface UnpackedEntry {
  /** Absolute, as in the .deb: the merged /usr is not applied yet. */
  readonly path: string
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink'
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtime: number
  readonly size: number
  readonly digest?: Digest
  readonly target?: string
  /** Where a file's content starts in the spill. */
  readonly spilled?: number
}

/** A piece of a member's tar: bytes, or a range of the spill. */
export type TarPart = Uint8Array | { readonly offset: number; readonly length: number }

/** A member's paths and the tar they make. */
export interface MemberPlan {
  readonly entries: readonly MemberEntry[]
  readonly omissions: readonly MemberOmission[]
  readonly parts: readonly TarPart[]
  readonly tarSize: number
}

const SETUID_AND_SETGID = 0o6000

interface Placed extends UnpackedEntry {
  /** The path in the .deb, by which hard links name their file. */
  readonly shippedAs: string
}

/**
 * Turns what a .deb ships into a member, `name` being the package's: the merged /usr and the recipe's edits applied, path rules kept or left out,
 * setuid and setgid taken from files, hard links led to the first of their names, entries in code-unit order. Throws
 * `PATH_CONFLICT` for two paths that become one.
 */
export function planMember(name: string, unpacked: readonly UnpackedEntry[], recipe: MemberRecipe): MemberPlan {
  const omissions: MemberOmission[] = []
  const placed = unpacked
    .map((entry) => place(entry, recipe, omissions))
    .filter((entry) => entry !== undefined)
    .sort(byPath)
  return layOut(leadHardlinks(once(name, placed), unpacked), omissions)
}

/** By path; of two with one path, the one whose package says it so comes last. */
function byPath(left: Placed, right: Placed): number {
  if (left.path !== right.path) return left.path < right.path ? -1 : 1
  return left.shippedAs < right.shippedAs ? -1 : 1
}

/** Two paths of a .deb may be one where /usr is merged: `/bin` and `/usr/bin` as directories are, `/bin/x` and `/usr/bin/x` are not. */
function once(name: string, sorted: readonly Placed[]): Placed[] {
  return sorted.filter((entry, index) => {
    const next = sorted[index + 1]
    if (next === undefined || next.path !== entry.path) return true
    if (entry.type === 'directory' && next.type === 'directory') return false
    const reason = `${entry.shippedAs} and ${next.shippedAs} are one path in an image`
    throw new ImageError('PATH_CONFLICT', `cannot place ${entry.path} of ${name}: ${reason}`)
  })
}

function place(entry: UnpackedEntry, recipe: MemberRecipe, omissions: MemberOmission[]): Placed | undefined {
  const path = mergeUsr(entry.path, entry.type)
  const rule = ruleAgainst(path, entry.type, recipe.keep)
  const edit = recipe.edits.find((candidate) => candidate.path === path)
  if (rule !== undefined || edit?.kind === 'leave-out') {
    omissions.push({ path, rule: rule?.name ?? edit?.because ?? '', size: entry.size })
    return undefined
  }
  let mode = entry.mode
  if (entry.type === 'file' && (mode & SETUID_AND_SETGID) !== 0) {
    omissions.push({ path, rule: 'setuid', size: 0 })
    mode &= ~SETUID_AND_SETGID
  }
  return { ...entry, path: edit?.kind === 'rename' ? edit.to : path, mode, shippedAs: entry.path }
}

/** Of the names of one file the first in order carries the content, whatever order and whichever name the .deb chose. */
function leadHardlinks(placed: readonly Placed[], unpacked: readonly UnpackedEntry[]): Placed[] {
  if (!placed.some((entry) => entry.type === 'hardlink')) return [...placed]
  const files = new Map(unpacked.filter((entry) => entry.type === 'file').map((entry) => [entry.path, entry]))
  const leaders = new Map<string, Placed>()
  return placed.map((entry) => {
    if (entry.type !== 'file' && entry.type !== 'hardlink') return entry
    const shippedAs = entry.type === 'hardlink' ? (entry.target ?? '') : entry.shippedAs
    const file = files.get(shippedAs)
    const leader = leaders.get(shippedAs)
    if (leader !== undefined) {
      const { digest: _, spilled: __, ...link } = entry
      return { ...link, type: 'hardlink', size: 0, target: leader.path, mode: leader.mode }
    }
    const led: Placed =
      file === undefined || entry.type === 'file'
        ? entry
        : { ...file, path: entry.path, mode: file.mode & ~SETUID_AND_SETGID, shippedAs: entry.shippedAs }
    leaders.set(shippedAs, led)
    return led
  })
}

/** Directories are written by the layer, once for all its members; they stand in the index only. */
function layOut(placed: readonly Placed[], omissions: readonly MemberOmission[]): MemberPlan {
  const parts: TarPart[] = []
  const entries: MemberEntry[] = []
  let tarSize = 0
  const add = (part: TarPart) => {
    if (part.length > 0) parts.push(part)
    tarSize += part.length
  }
  for (const { shippedAs: _, spilled, ...entry } of placed) {
    if (entry.type === 'directory') {
      entries.push(entry)
      continue
    }
    add(encodeTarEntry(tarHeaderOf(entry)))
    if (entry.type !== 'file' || spilled === undefined) {
      entries.push(entry)
      continue
    }
    entries.push({ ...entry, offset: tarSize })
    add({ offset: spilled, length: entry.size })
    add(new Uint8Array(tarPadding(entry.size)))
  }
  return { entries, omissions, parts, tarSize }
}

/** Cuts a member's tar into blocks of `BLOCK_SIZE` bytes, the last one shorter. */
export function cutBlocks(parts: readonly TarPart[]): TarPart[][] {
  const blocks: TarPart[][] = []
  let current: TarPart[] = []
  let room = BLOCK_SIZE
  for (let part of parts) {
    while (part.length > 0) {
      const taken = Math.min(room, part.length)
      current.push(slicePart(part, 0, taken))
      part = slicePart(part, taken, part.length)
      room -= taken
      if (room > 0) continue
      blocks.push(current)
      current = []
      room = BLOCK_SIZE
    }
  }
  if (current.length > 0) blocks.push(current)
  return blocks
}

function slicePart(part: TarPart, start: number, end: number): TarPart {
  if (part instanceof Uint8Array) return part.subarray(start, end)
  return { offset: part.offset + start, length: end - start }
}
