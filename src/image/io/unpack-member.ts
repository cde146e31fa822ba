import { createHash } from 'node:crypto'
import { digestFromHex, digestOf, TAR_END } from '#core'
import {
  DEB_DATA_LIMITS,
  type DebDataOptions,
  type DebMember,
  type DebSource,
  type DecoderFactory,
  debDataReader,
  openDeb,
  readDebControl,
  readDebData,
} from '#debian'
import { compressBlock } from '../codec.ts'
import { directoriesAlone } from '../layer.ts'
import { cutBlocks, type MemberPlan, planMember, type TarPart, type UnpackedEntry } from '../member-plan.ts'
import { databaseDirectories, databaseFiles } from '../package-database.ts'
import { mergeUsr, ruleAgainst } from '../path-rules.ts'
import { decodeByHost, isForHostXz } from './host-xz.ts'
import type { UnpackResult, UnpackTask } from './member-task.ts'
import { ShippedFiles } from './shipped-files.ts'
import { MEMORY_LIMIT, Spill } from './spill.ts'

/**
 * Takes a .deb apart and compresses it as its recipe says; nothing of it touches the host but the spill. Throws what the
 * readers throw for a hostile or damaged package.
 */
export async function unpackMember(task: UnpackTask, decoders: DecoderFactory): Promise<UnpackResult> {
  using source = openDeb(task.deb, task.name)
  using spill = new Spill(task.spill, MEMORY_LIMIT, task.decoded)
  return await unpack(task, source, { spill, decoders })
}

/** What a package is taken apart with. */
interface Workbench {
  readonly spill: Spill
  readonly decoders: DecoderFactory
}

async function unpack(task: UnpackTask, source: DebSource, bench: Workbench): Promise<UnpackResult> {
  const { recipe, name } = task
  const { spill } = bench
  const deb = readDebControl(source, bench.decoders)
  const shipped = new ShippedFiles(conffilesOf(deb.files))
  await readData(task, { source, data: deb.data, onEntry: (entry, offset) => shipped.take(entry, offset) }, bench)
  const control = Buffer.from(deb.files.get('control') ?? '').toString('utf8')
  const plan = planMember(
    name,
    [...shipped.entries, ...databaseOf(control, deb.files, { shipped, spill, recipe })],
    recipe,
  )
  spill.finish()
  const facts = await factsOf(task, plan, spill)
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
  if (spill.isFile) return { kind: 'spilled', member, ...facts, blocks }
  const layer = createHash('sha256').update(directoriesAlone(plan.entries))
  const compressed = blocks.map((parts) => {
    const tar = spill.assemble(parts)
    layer.update(tar)
    return compressBlock(recipe.codec, tar)
  })
  const diffId = digestFromHex(layer.update(TAR_END).digest('hex'))
  return { kind: 'compressed', member, ...facts, blocks: compressed, diffId }
}

/** What an inventory would read in the member, where somebody asks for it. */
async function factsOf({ reader }: UnpackTask, { entries, parts }: MemberPlan, spill: Spill) {
  if (reader === undefined) return {}
  // What is looked for in files is loaded where somebody looks: making images does without.
  const { readMemberFacts } = await import('../read-member-facts.ts')
  const spilled = spilledParts(parts)
  const facts = readMemberFacts(reader, entries, ({ offset = 0, size }, onPiece) =>
    spill.readRange(spilled.get(offset) ?? 0, size, onPiece),
  )
  return { facts }
}

/** Where each range of the spill that stands in a member's tar begins, by its place in the tar. */
function spilledParts(parts: readonly TarPart[]): ReadonlyMap<number, number> {
  const places = new Map<number, number>()
  let at = 0
  for (const part of parts) {
    if (!(part instanceof Uint8Array)) places.set(at, part.offset)
    at += part.length
  }
  return places
}

/** Reads data.tar entry by entry, from the spill where it was decoded before, else into the spill as it is decoded. */
async function readData(
  { name, deb, decoded, xz }: UnpackTask,
  { source, data, onEntry }: { source: DebSource; data: DebMember; onEntry: DebDataOptions['onEntry'] },
  { spill, decoders }: Workbench,
): Promise<void> {
  const reader = debDataReader(name, DEB_DATA_LIMITS.tar, onEntry)
  if (decoded !== undefined) {
    spill.read((chunk) => reader.push(chunk))
  } else if (xz !== undefined && isForHostXz(data)) {
    await decodeByHost(xz, { deb, data }, (chunk) => {
      spill.append(chunk)
      reader.push(chunk)
    })
  } else {
    const spilling: DecoderFactory = (compression, options) => {
      const onOutput = (chunk: Uint8Array) => {
        spill.append(chunk)
        options.onOutput(chunk)
      }
      return decoders(compression, { ...options, onOutput })
    }
    return readDebData(source, data, { decoders: spilling, onEntry })
  }
  reader.end()
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
