import { canonicalJson, digestOf, parseDigest, Recent } from '#core'
import type { FactoryStore, PreparedStage, Reason, StageOutputs, StageWork } from '#factory'
import { definitionDigest, formatLock, type Lock, lockMismatches, type OpenedDefinition, parseLock } from '#image'
import { foreignBaseOf, parentOf } from '../foreign-base.ts'
import { solveDefinition } from '../lock.ts'
import { readLockText } from '../lock-choice.ts'
import { provideDerived } from '../lock-derived.ts'
import { placeOf } from '../place.ts'
import { Stages } from '../stages.ts'
import type { LockedOn } from './moved-base.ts'
import { lockOutput } from './stage-outputs.ts'
import { type FactoryTools, openedOf, openedOn, platformsOf, terminalOf } from './tools.ts'

/** How many releases are looked at for the lock of the one that an image is at. */
const LOOKED_AT = 100

/**
 * The stage `lock`: packages that the run has a reason to change are taken as the archive has them, all others stay as they are in the
 * latest release. A lock that is of the definition and has nothing to change stays as it is, and no index is read.
 */
export async function prepareLock(tools: FactoryTools, work: StageWork): Promise<PreparedStage> {
  const { run, image, reasons, parents } = work
  const base = await wantedBase(tools, work)
  const { opened } = await openedOn(tools, image, { run, base })
  const platforms = platformsOf(opened, tools.options)
  const previous = await previousLock(tools.store, opened)
  const done = (lock: Lock) =>
    ({ kind: 'done', output: { lock: formatLock(lock), ...(base === undefined ? {} : { base }) } }) as const
  const below = await lockBelow(tools, opened, parents)
  const anew = changedPackages(reasons)
  const definitions = [...opened.definition.variants].map(([name, variant]) => [name, definitionDigest(variant)])
  return {
    // What an archive has is known when it is read: a lock is of its run.
    input: {
      ...{ run, definitions: Object.fromEntries(definitions), platforms: [...platforms], anew: [...anew].sort() },
      previous: previous === undefined ? null : lockDigest(previous),
      below: below === undefined ? null : lockDigest(below),
      ...(base === undefined ? {} : { base }),
    },
    async perform(signal) {
      if (previous !== undefined && anew.size === 0 && isCurrent(previous, below, { opened, platforms })) {
        return done(previous)
      }
      const place = { ...(await placeOf(tools.options, opened.files)), signal }
      const terminal = terminalOf(tools.terminal, image)
      const solved = await solveDefinition(opened, previous, {
        ...{ place, anew, platforms, stages: new Stages(terminal) },
        options: { ...(tools.options.acceptExpired === true ? { acceptExpired: true } : {}) },
        ...(below === undefined ? {} : { below }),
        open: (options) => tools.bench.archives.open(run, options),
        derive: (lock, from, stages) => provideDerived(lock, from, stages, tools.workshop),
      })
      if (solved.kind === 'impossible') return { kind: 'refused', reason: solved.reasons.join('\n') }
      for (const notice of solved.notices) terminal.warn(notice)
      return done(solved.lock)
    },
    stands: async () => true,
  }
}

/** Locks of the images of a batch, by their texts: every stage asks for its image's. */
const locks = new Recent<string, Lock>(64)

/** The lock that a stage gave. Throws as `lockOutput` and `parseLock`. */
export function lockOf(outputs: StageOutputs, image: string): Lock {
  const { lock } = lockOutput(outputs)
  return locks.provide(lock, () => parseLock(lock, `the lock of ${image}`))
}

export function lockDigest(lock: Lock) {
  return digestOf(formatLock(lock))
}

/** Names of packages that reasons let change; not those that are to wait. */
function changedPackages(reasons: readonly Reason[]): ReadonlySet<string> {
  const counted = reasons.filter(({ waits }) => waits === undefined)
  return new Set(counted.flatMap(({ changes }) => changes.map((change) => change.package)))
}

/** The lock of the release that an image is at, or before the first one, the lock beside its definition. */
async function previousLock(
  store: FactoryStore,
  { definition, lockFile }: OpenedDefinition,
): Promise<Lock | undefined> {
  const outputs = await releasedOutputs(store, definition)
  if (outputs !== undefined) return lockOf(outputs, definition.image)
  const beside = await readLockText(lockFile)
  return beside === undefined ? undefined : parseLock(beside, lockFile)
}

/** What the stages gave that made the release that an image is at; `undefined` before the first one. */
async function releasedOutputs(
  store: FactoryStore,
  { image, variants }: OpenedDefinition['definition'],
): Promise<StageOutputs | undefined> {
  for (const variant of variants.keys()) {
    const history = await store.releases.history(image, variant, LOOKED_AT)
    const [latest] = history
    // One that goes back has no run of its own, but the one that it goes back to has.
    const made = history.find(({ run, lock }) => run !== undefined && lock === latest?.lock)
    if (made?.run === undefined) continue
    const outputs = await outputsOf(store, made.run, image)
    if (outputs.lock !== undefined) return outputs
  }
  return undefined
}

/**
 * On which state of an image of others an image is made: where that has moved to; else what its parent is made on; else what its own
 * latest release was. `undefined` for what is kept beside the definition.
 */
async function wantedBase(tools: FactoryTools, { image, reasons, parents }: StageWork): Promise<LockedOn | undefined> {
  const opened = await openedOf(tools, image)
  const foreign = foreignBaseOf(opened)
  if (foreign === undefined) return undefined
  const moved = reasons.findLast(({ base }) => base !== undefined)?.base
  if (moved !== undefined) return { from: foreign.from, digest: parseDigest(moved.digest) }
  const parent = parentOf(opened) === undefined ? undefined : opened.base?.opened.definition
  const outputs =
    (parent && (parents.get(parent.image) ?? (await releasedOutputs(tools.store, parent)))) ??
    (await releasedOutputs(tools.store, opened.definition))
  const base = outputs === undefined ? undefined : lockOutput(outputs).base
  return base?.from === foreign.from ? base : undefined
}

async function outputsOf(store: FactoryStore, run: number, image: string): Promise<StageOutputs> {
  const records = await store.runs.records(run, [image])
  return Object.fromEntries(records.flatMap((one) => (one.state === 'done' ? [[one.stage, one.output] as const] : [])))
}

/** The lock of what an overlay stacks on: its candidate where that is in the run, else that of its latest release. */
async function lockBelow(
  tools: FactoryTools,
  opened: OpenedDefinition,
  parents: StageWork['parents'],
): Promise<Lock | undefined> {
  const { base } = opened
  if (base === undefined) return undefined
  const image = parentOf(opened)
  // Of what is not made here, the lock came with its recipe.
  if (image === undefined) return parseLock((await readLockText(base.opened.lockFile)) ?? '', base.opened.lockFile)
  const candidate = parents.get(image)
  return candidate === undefined ? await previousLock(tools.store, base.opened) : lockOf(candidate, image)
}

function isCurrent(
  lock: Lock,
  below: Lock | undefined,
  { opened, platforms }: { readonly opened: OpenedDefinition; readonly platforms: readonly string[] },
): boolean {
  if (lockMismatches(lock, opened.definition, platforms).length > 0) return false
  if (below === undefined || lock.base === undefined) return true
  // Another state of the archive that gives the same packages is the same base.
  const packages = ({ platforms: all }: Lock) => canonicalJson(JSON.parse(JSON.stringify(all)))
  return packages(below) === packages(lock.base.lock)
}
