import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { type ContentSink, digestFromHex, digestOf, TAR_END } from '#core'
import {
  createDecoders,
  DEB_DATA_LIMITS,
  type DebEntry,
  type DebSource,
  type DecoderFactory,
  debDataReader,
  loadXzModule,
  readDebControl,
  readDebData,
} from '#debian'
import { compressBlock } from '../codec.ts'
import { directoriesAlone } from '../layer.ts'
import { cutBlocks, planMember, type UnpackedEntry } from '../member-plan.ts'
import { databaseDirectories, databaseFiles } from '../package-database.ts'
import { mergeUsr, ruleAgainst } from '../path-rules.ts'
import { decodeByHost } from './host-xz.ts'
import type { UnpackResult, UnpackTask } from './member-task.ts'
import { ShippedFiles } from './shipped-files.ts'
import { Spill } from './spill.ts'

/**
 * Takes a .deb apart and compresses it as its recipe says; nothing of it touches the host but the spill. Throws what the
 * readers throw for a hostile or damaged package.
 */
export async function unpackMember(task: UnpackTask): Promise<UnpackResult> {
  const file = openSync(task.deb, 'r')
  using spill = new Spill(task.spill)
  try {
    const read = (offset: number, length: number) => {
      const bytes = Buffer.allocUnsafe(length)
      return bytes.subarray(0, readSync(file, bytes, 0, length, offset))
    }
    return await unpack(task, { read, size: fstatSync(file).size, name: task.name }, spill)
  } finally {
    closeSync(file)
  }
}

/** One set of decoders a thread: compiling their code costs more than many a package. */
let decoders: DecoderFactory | undefined

async function unpack(task: UnpackTask, source: DebSource, spill: Spill): Promise<UnpackResult> {
  const { recipe, name } = task
  decoders ??= createDecoders(loadXzModule())
  const deb = readDebControl(source, decoders)
  const shipped = new ShippedFiles(spill, conffilesOf(deb.files))
  const onEntry = (entry: DebEntry): ContentSink | undefined => shipped.take(entry)
  if (task.xz !== undefined && deb.data.compression === 'xz') {
    const reader = debDataReader(name, DEB_DATA_LIMITS.tar, onEntry)
    await decodeByHost(task.xz, { deb: task.deb, data: deb.data }, (chunk) => reader.push(chunk))
    reader.end()
  } else {
    readDebData(source, deb.data, { decoders, onEntry })
  }
  const control = Buffer.from(deb.files.get('control') ?? '').toString('utf8')
  const plan = planMember(
    name,
    [...shipped.entries, ...databaseOf(control, deb.files, { shipped, spill, recipe })],
    recipe,
  )
  spill.finish()
  const member = {
    package: name,
    control,
    controlFiles: textFiles(deb.files),
    conffileSums: shipped.conffileSums,
    entries: plan.entries,
    omissions: [...shipped.omissions, ...plan.omissions],
    tarSize: plan.tarSize,
    newest: shipped.newest,
  }
  const blocks = cutBlocks(plan.parts)
  if (spill.isFile) return { kind: 'spilled', member, blocks }
  const layer = createHash('sha256').update(directoriesAlone(plan.entries))
  const compressed = blocks.map((parts) => {
    const tar = spill.assemble(parts)
    layer.update(tar)
    return compressBlock(recipe.codec, tar)
  })
  const diffId = digestFromHex(layer.update(TAR_END).digest('hex'))
  return { kind: 'compressed', member, blocks: compressed, diffId }
}

/** The package's part of dpkg's database, with the directories that lead to it. */
function databaseOf(
  control: string,
  files: ReadonlyMap<string, Uint8Array>,
  { shipped, spill, recipe }: { shipped: ShippedFiles; spill: Spill; recipe: UnpackTask['recipe'] },
): UnpackedEntry[] {
  const kept = shipped.entries.filter((entry) => isKept(entry, recipe))
  const metadata = { ...databaseMetadata, mtime: shipped.newest }
  const described = databaseFiles(control, files, kept).map(({ path, mode, content }): UnpackedEntry => {
    const spilled = spill.size
    spill.append(content)
    return { ...metadata, path, type: 'file', mode, size: content.length, digest: digestOf(content), spilled }
  })
  const directories = databaseDirectories
    .filter((path) => !shipped.entries.some((entry) => entry.path === path))
    .map((path): UnpackedEntry => ({ ...metadata, path, type: 'directory', mode: 0o755, size: 0 }))
  return [...directories, ...described]
}

const databaseMetadata = { uid: 0, gid: 0 } as const

function isKept(entry: UnpackedEntry, recipe: UnpackTask['recipe']): boolean {
  const path = mergeUsr(entry.path, entry.type)
  if (recipe.edits.some((edit) => edit.kind === 'leave-out' && edit.path === path)) return false
  return ruleAgainst(path, entry.type, recipe.keep) === undefined
}

/** Control files that nobody decides on: they stand in the member, not in its index. */
const bulky = new Set(['control', 'md5sums', 'symbols', 'shlibs'])

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
