import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { parseDigest, type TarHeader } from '#core'
import { readDebControl, readDebData } from '#debian'
import { compressBlock } from '../codec.ts'
import { cutBlocks, planMember, type UnpackedEntry } from '../member-plan.ts'
import { databaseDirectories, databaseFiles } from '../package-database.ts'
import { mergeUsr, ruleAgainst } from '../path-rules.ts'
import type { UnpackResult, UnpackTask } from './member-task.ts'
import { Spill } from './spill.ts'

/**
 * Takes a .deb apart and compresses it as its recipe says; nothing of it touches the host but the spill. Throws what the
 * readers throw for a hostile or damaged package.
 */
export function unpackMember(task: UnpackTask): UnpackResult {
  const file = openSync(task.deb, 'r')
  using spill = new Spill(task.spill)
  try {
    const read = (offset: number, length: number) => {
      const bytes = Buffer.allocUnsafe(length)
      return bytes.subarray(0, readSync(file, bytes, 0, length, offset))
    }
    return unpack(task, { read, size: fstatSync(file).size }, spill)
  } finally {
    closeSync(file)
  }
}

interface DebFile {
  readonly read: ReadAt
  readonly size: number
}

function unpack(task: UnpackTask, { read, size }: DebFile, spill: Spill): UnpackResult {
  const { recipe, name } = task
  const deb = readDebControl(read, size, name)
  const shipped = new ShippedFiles(spill, conffilesOf(deb.files))
  readDebData(read, deb, name, (entry) => shipped.take(entry))
  const kept = shipped.entries.filter((entry) => isKept(entry, recipe))
  const database = databaseFiles(deb.controlText, deb.files, kept).map(({ path, mode, content }) => {
    const spilled = spill.size
    spill.append(content)
    return {
      ...databaseMetadata,
      path,
      type: 'file',
      mode,
      mtime: shipped.newest,
      size: content.length,
      digest: digestOf(content),
      spilled,
    } as const
  })
  spill.finish()
  const directories = databaseDirectories
    .filter((path) => !shipped.entries.some((entry) => entry.path === path))
    .map(
      (path) =>
        ({ ...databaseMetadata, path, type: 'directory', mode: 0o755, mtime: shipped.newest, size: 0 }) as const,
    )
  const plan = planMember([...shipped.entries, ...directories, ...database], recipe)
  const member = {
    package: name,
    control: deb.controlText,
    controlFiles: textFiles(deb.files),
    conffileSums: shipped.conffileSums,
    entries: plan.entries,
    omissions: [...shipped.omissions, ...plan.omissions],
    tarSize: plan.tarSize,
    newest: shipped.newest,
  }
  const blocks = cutBlocks(plan.parts)
  if (spill.isFile) return { kind: 'spilled', member, blocks }
  return {
    kind: 'compressed',
    member,
    blocks: blocks.map((parts) => compressBlock(recipe.codec, spill.assemble(parts))),
  }
}

const databaseMetadata = { uid: 0, gid: 0 } as const

function isKept(entry: UnpackedEntry, recipe: UnpackTask['recipe']): boolean {
  const path = mergeUsr(entry.path, entry.type)
  if (recipe.edits.some((edit) => edit.kind === 'leave-out' && edit.path === path)) return false
  return ruleAgainst(path, entry.type, recipe.keep) === undefined
}

/** Control files that nobody decides on: they stand in the member, not in its index. */
const bulky = new Set(['control', 'md5sums', 'symbols', 'shlibs', 'templates'])

function textFiles(files: ReadonlyMap<string, Uint8Array>): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const [name, content] of files) {
    if (!bulky.has(name)) texts[name] = Buffer.from(content).toString('utf8')
  }
  return texts
}

function conffilesOf(files: ReadonlyMap<string, Uint8Array>): ReadonlySet<string> {
  const lines = Buffer.from(files.get('conffiles') ?? '')
    .toString('utf8')
    .split('\n')
  return new Set(lines.filter((line) => line.startsWith('/')))
}
