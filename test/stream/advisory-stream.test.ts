import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { encodeStore, importFile, makePart, openAdvisoryStore } from '#advisory'
import { compareVersions } from '#debian'
import { closeByAdvisories, type HeldPackage, parseFactorySettings } from '#factory'
import { parseRequest } from '#solver'
import { type ArchiveTick, type SimulationInput, simulate, type WeighedImage } from './simulated-fleet.ts'

const file = 'DSA-list'
const HOUR = 3_600_000
const DAY = 24 * HOUR
const START = Date.parse('2025-08-09')
const END = Date.parse('2026-04-02')

const imported = importFile(readFileSync(join(import.meta.dirname, 'testdata', file), 'utf8'), { file, kind: 'dsa' })
assert.ok(imported.kind === 'dsa' && imported.quarantined.count === 0)
const { records } = imported

function closes() {
  const at = '2026-04-01T00:00:00Z'
  const part = makePart([imported], { names: [file], digest: 'sha256:0', changedAt: at, importedAt: at })
  const bytes = Buffer.concat(encodeStore([part]))
  const read = (offset: number, length: number) => bytes.subarray(offset, offset + length)
  return closeByAdvisories(openAdvisoryStore({ path: 'store', size: bytes.length, read }), () => 'trixie')
}

/** The announcements of the excerpt as events, at noon of their day. */
const ticks: readonly ArchiveTick[] = records.flatMap(({ date, fixes }) =>
  fixes.flatMap(({ release, source, version }) => {
    if (release !== 'trixie' || version === undefined) return []
    const at = Date.parse(`${date}T12:00:00Z`)
    return at < START ? [] : [{ at, suite: 'trixie-security', updates: [{ source, version }] }]
  }),
)
const sources = [...new Set(ticks.flatMap(({ updates }) => updates.map(({ source }) => source)))].sort()

/** Before any update: `X+deb13u1` is an update of `X`. */
function firstOf(source: string): string {
  const versions = ticks.flatMap(({ updates }) => updates).filter((update) => update.source === source)
  const [lowest] = versions.map(({ version }) => version).sort(compareVersions)
  return lowest?.replace(/[+~]deb13u[0-9]+$/, '~~') ?? assert.fail(source)
}

function image(name: string, own: readonly string[], more: Partial<WeighedImage> = {}): WeighedImage {
  const packages = own.map((source): HeldPackage => {
    const version = firstOf(source)
    return {
      archive: 'debian-13',
      name: `lib${source}`,
      version,
      architecture: 'amd64',
      source: { name: source, version },
    }
  })
  const layers = [{ packages: new Set(packages.map((one) => one.name)), bytes: 1000 }]
  const contents = new Map([['linux/amd64', packages]])
  return { image: name, parent: undefined, requests: [], contents, released: undefined, layers, ...more }
}

const images = [
  image('base', sources.slice(0, 3)),
  image('app', sources.slice(0, 5), { parent: 'base' }),
  image('office', sources.slice(2, 5), { parent: 'base' }),
  image('browser', sources.slice(5)),
  image('frozen', sources),
  image('pinned', sources.slice(0, 1), { requests: [parseRequest(`lib${sources[0]}=${firstOf(sources[0] ?? '')}`)] }),
  image('nothing', []),
]
const policy = (text: string) => parseFactorySettings(`policy: ${text}`, 'factory.yaml').policy
const freeze = '{ freezes: [{ from: 2025-12-20, until: 2026-01-10, reason: r, images: [frozen] }] }'
const input: SimulationInput = { images, ticks, closes: closes(), end: END, policy: policy(freeze), rhythm: 'events' }

test('the stream of announcements rebuilds who has what was fixed, at once, and nobody else', () => {
  assert.ok(sources.length > 7 && ticks.length > 15, 'the excerpt has something to show')
  const simulated = simulate(input)
  // Counted apart from the planner: of a source that is announced, each image that has it, each time.
  const isFrozen = ({ at }: ArchiveTick) => at >= Date.parse('2025-12-20') && at < Date.parse('2026-01-10')
  const expected = (own: readonly string[]) =>
    new Set(ticks.filter(({ updates }) => updates.some(({ source }) => own.includes(source))).map(({ at }) => at)).size
  assert.equal(simulated.rebuildsOf.get('base'), expected(sources.slice(0, 3)))
  assert.equal(simulated.rebuildsOf.get('app'), expected(sources.slice(0, 5)))
  assert.equal(simulated.rebuildsOf.get('browser'), expected(sources.slice(5)))
  const held = new Set(ticks.filter(isFrozen).map(({ at }) => at)).size
  assert.ok(held > 0)
  assert.equal(simulated.rebuildsOf.get('frozen'), expected(sources) - held + 1)
  assert.equal(simulated.rebuildsOf.get('nothing'), undefined)
  assert.deepEqual([...simulated.heldAtEnd], [['pinned', 'pin: its definition asks for another version']])
  assert.equal(
    simulated.remembered,
    new Set(ticks.flatMap(({ updates }) => updates.filter(({ source }) => source === sources[0]))).size,
  )
})

test('what came of a stream has nothing to take from the same stream', () => {
  const layers = new Map(images.map((one) => [one.image, one.layers]))
  const { images: after, rebuilds } = simulate(input)
  assert.ok(rebuilds > 0)
  const again = simulate({ ...input, images: after.map((one) => ({ ...one, layers: layers.get(one.image) ?? [] })) })
  assert.deepEqual([again.rebuilds, again.bytes], [0, 0])
  assert.ok([...again.unchanged.keys()].some((why) => /nothing newer is offered$/.test(why)))
})

test('against a rebuild each night nothing is missed, and findings are open for less time', () => {
  const ours = simulate(input)
  const nightly = simulate({ ...input, policy: policy('{ cool-down: now }'), rhythm: { nightly: 2 * HOUR } })
  assert.equal(ours.closed + ours.open, nightly.closed + nightly.open)
  assert.ok(ours.exposure / ours.closed < nightly.exposure / nightly.closed)
  assert.ok(nightly.exposure / nightly.closed >= 14 * HOUR && nightly.exposure / nightly.closed < DAY)
})

test('plans hang on nothing but their input: the same stream gives the same plans', () => {
  assert.deepEqual(simulate(input), simulate({ ...input, ticks: ticks.toReversed(), closes: closes() }))
})
