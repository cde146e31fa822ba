import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AdvisoryStore, type Announcement, encodeStore, importFile, makePart, openAdvisoryStore } from '#advisory'
import { type ArchivePackage, type ChangelogEntry, compareVersions, type OpenArchive } from '#debian'
import { closeByAdvisories, formatSpan, parseFactorySettings } from '#factory'
import { parseRequest } from '#solver'
import { type ChangelogWish, readChangelogs } from '../src/cli/changelogs.ts'
import { formatBytes, formatTable } from '../src/cli/terminal.ts'
import { type ArchiveTick, type Simulated, simulate, type WeighedImage } from '../test/stream/simulated-fleet.ts'
import { type VersionHistory, versionHistory } from '../test/stream/version-history.ts'
import { solveCatalogue } from './parts/simulated-catalogue.ts'

const DAY = 86_400_000
/** From the release of Debian 13 to the last announcement of the data. */
const SPAN = { codename: 'trixie', number: '13', start: Date.parse('2025-08-09'), end: Date.parse('2026-04-01') }
const SETTINGS = `
policy:
  freezes: [{ from: 2025-12-20, until: 2026-01-05, except: [critical], reason: end of the year, images: ["frozen-*"] }]
  windows: [{ images: ["nightly-window-*"], days: [tue, thu], from: "02:00", until: "05:00", zone: Europe/Berlin }]
`
/** Overlays that pin a version for good. */
const PINNED = 5

/**
 * The stream of Debian's announcements and point releases since trixie, over the catalogue and overlays, in simulated time: which images
 * the planner rebuilds and when, against a rebuild of everything each night. `CASEMATE_PROOF_ADVISORIES` names the folder with the
 * tracker's `DSA-list`; the argument is how many overlays, 500 unless given. Holds when, at the end, the images that lack a
 * version that is known to have come, counted apart from the planner, are those that it holds, no finding is lost against a rebuild each
 * night, and the same events again plan nothing.
 */
export async function run([overlays = '500']: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const folder = process.env['CASEMATE_PROOF_ADVISORIES']
  if (folder === undefined) throw new Error('name the folder with DSA-list by CASEMATE_PROOF_ADVISORIES')
  const announcements = readAnnouncements(folder)
  const { images: today, open, impossible } = await solveCatalogue(Number(overlays))
  const histories = await readHistories(today, open, announcements.records)
  const { images, pinned } = atFirst(today, histories)
  const ticks = ticksOf(histories)
  const { policy } = parseFactorySettings(SETTINGS, 'factory.yaml')
  const { policy: atOnce } = parseFactorySettings(
    'policy: { security: { high: now, medium: now, low: now }, updates: now, cool-down: now }',
    'factory.yaml',
  )
  const closes = closeByAdvisories(announcements.store, () => SPAN.codename)
  // A day more, so that the last announcements have their night.
  const input = { images, ticks, closes, end: SPAN.end + DAY }
  const ours = simulate({ ...input, policy, rhythm: 'events' })
  const nightly = simulate({ ...input, policy: atOnce, rhythm: { nightly: 2 * 3_600_000 } })
  const again = simulate({ ...input, images: weighedAgain(ours, images), policy, rhythm: 'events' })
  const behind = behindAtEnd(ours, histories)
  const strange = new Set(behind).symmetricDifference(new Set(ours.heldAtEnd.keys()))
  const isTold = strange.size === 0
  const isPinned = [...pinned].every((image) => ours.heldAtEnd.get(image)?.startsWith('pin: '))
  const isWhole = ours.closed + ours.open === nightly.closed + nightly.open
  const holds = isWhole && isTold && isPinned && again.rebuilds === 0 && ours.rebuilds > 0
  return {
    holds,
    lines: [
      ...basisLines(today, histories, { ticks, impossible }),
      '',
      ...comparison(ours, nightly, images),
      '',
      ...explained(ours),
      '',
      `at the end ${behind.length} images lack a version that came, as each package says; ${isTold ? 'these are' : `but for ${[...strange].join(', ')} these are`} the ${ours.heldAtEnd.size} that are held`,
      `closed and open findings are ${isWhole ? 'the same' : 'NOT the same'} as with a rebuild each night: ${ours.closed + ours.open}`,
      `the same events over what came of them: ${again.rebuilds} rebuilds in ${again.plans} plans`,
    ],
  }
}

function readAnnouncements(folder: string): { store: AdvisoryStore; records: readonly Announcement[] } {
  const read = importFile(readFileSync(join(folder, 'DSA-list'), 'utf8'), { file: 'DSA-list', kind: 'dsa' })
  if (read.kind !== 'dsa') throw new Error('cannot read DSA-list: it is none')
  const at = '2026-04-01T00:00:00Z'
  const part = makePart([read], { names: ['DSA-list'], digest: 'sha256:0', changedAt: at, importedAt: at })
  const bytes = Buffer.concat(encodeStore([part]))
  const slice = (offset: number, length: number) => bytes.subarray(offset, offset + length)
  return { store: openAdvisoryStore({ path: 'store', size: bytes.length, read: slice }), records: read.records }
}

/** By source package: its history, and how many images have it. */
async function readHistories(
  images: readonly WeighedImage[],
  open: OpenArchive,
  announcements: readonly Announcement[],
): Promise<ReadonlyMap<string, VersionHistory>> {
  const names = new Map<string, { version: string; binaries: Set<string> }>()
  for (const { name, source } of images.flatMap(({ contents }) => [...contents.values()].flat())) {
    const known = names.get(source.name) ?? { version: source.version, binaries: new Set() }
    names.set(source.name, { ...known, binaries: known.binaries.add(name) })
  }
  const wishes = [...names].map(([source, { version, binaries }]): ChangelogWish => {
    const offered = [...binaries].flatMap((name) => open.universe.versions(name))
    const own = offered.filter((one) => one.source.name === source && one.source.version === version)
    return { source, version, candidates: own.toSorted((left: ArchivePackage, right) => left.size - right.size) }
  })
  console.error(`reading the changelogs of ${wishes.length} source packages …`)
  const changelogs = await readChangelogs(wishes, open, {}, (wish, entries) => {
    const [first] = entries
    return first?.source === wish.source && compareVersions(first.version, wish.version) === 0 ? entries : undefined
  })
  const announced = Map.groupBy(
    announcements.flatMap(({ id, date, fixes }) =>
      fixes.flatMap(({ release, source, version }) =>
        release === SPAN.codename && version !== undefined
          ? [{ source, version, at: Date.parse(`${date}T12:00:00Z`), announcement: id }]
          : [],
      ),
    ),
    ({ source }) => source,
  )
  return new Map(
    wishes.map((wish) => {
      const entries: readonly ChangelogEntry[] | undefined = changelogs.get(wish)
      const own = (announced.get(wish.source) ?? []).map(({ source: _, ...step }) => step)
      return [wish.source, versionHistory({ today: wish.version, entries, announced: own }, SPAN)]
    }),
  )
}

/** The images as they were on the first day. Some pin what will change. */
function atFirst(
  images: readonly WeighedImage[],
  histories: ReadonlyMap<string, VersionHistory>,
): { readonly images: readonly WeighedImage[]; readonly pinned: ReadonlySet<string> } {
  const pinned = new Set<string>()
  const first = images.map((image) => {
    const contents = [...image.contents].map(([platform, packages]) => {
      const then = packages.map((one) => {
        const history = histories.get(one.source.name)
        if (history?.kind !== 'known') return one
        return { ...one, version: history.first, source: { ...one.source, version: history.first } }
      })
      return [platform, then] as const
    })
    const all = contents.flatMap(([, packages]) => packages)
    const changing = all.find(({ source }) => {
      const history = histories.get(source.name)
      return history?.kind === 'known' && history.steps.length > 0
    })
    const pins = image.image.startsWith('team-') && pinned.size < PINNED && changing !== undefined
    if (pins) pinned.add(image.image)
    const requests = pins ? [...image.requests, parseRequest(`${changing.name}=${changing.version}`)] : image.requests
    return { ...image, requests, contents: new Map(contents) }
  })
  return { images: first, pinned }
}

function ticksOf(histories: ReadonlyMap<string, VersionHistory>): readonly ArchiveTick[] {
  const steps = [...histories].flatMap(([source, history]) =>
    history.kind === 'known' ? history.steps.map((step) => ({ source, ...step })) : [],
  )
  const suiteOf = ({ announcement }: { announcement?: string }) =>
    announcement === undefined ? 'trixie' : 'trixie-security'
  return [...Map.groupBy(steps, (step) => `${step.at} ${suiteOf(step)}`).values()].map((group) => ({
    at: group[0]?.at ?? 0,
    suite: suiteOf(group[0] ?? {}),
    updates: group.map(({ source, version }) => ({ source, version })),
  }))
}

function weighedAgain(simulated: Simulated, images: readonly WeighedImage[]): readonly WeighedImage[] {
  const layers = new Map(images.map((one) => [one.image, one.layers]))
  return simulated.images.map((one) => ({ ...one, layers: layers.get(one.image) ?? [] }))
}

/** The images that lack a version, found by looking at each of their packages: nothing of the planner is asked. */
function behindAtEnd({ images }: Simulated, histories: ReadonlyMap<string, VersionHistory>): readonly string[] {
  const isBehind = ({ contents }: Simulated['images'][number]) =>
    [...contents.values()].flat().some(({ source }) => {
      const history = histories.get(source.name)
      const last = history?.kind === 'known' ? history.steps.at(-1)?.version : undefined
      return last !== undefined && compareVersions(source.version, last) < 0
    })
  return images.filter(isBehind).map(({ image }) => image)
}

function basisLines(
  images: readonly WeighedImage[],
  histories: ReadonlyMap<string, VersionHistory>,
  { ticks, impossible }: { readonly ticks: readonly ArchiveTick[]; readonly impossible: readonly string[] },
): string[] {
  const all = [...histories]
  const unknown = all.flatMap(([source, history]) => (history.kind === 'unknown' ? [{ source, ...history }] : []))
  const changing = all.filter(([, history]) => history.kind === 'known' && history.steps.length > 0)
  const updates = ticks.reduce((sum, tick) => sum + tick.updates.length, 0)
  const why = [...Map.groupBy(unknown, ({ reason }) => reason.replace(/ [0-9]\S*$/, ' …'))]
  return [
    `${images.length} images for linux/amd64, ${images.filter(({ parent }) => parent !== undefined).length} of them overlays; ${impossible.length} more cannot be solved`,
    ...impossible.slice(0, 3).map((line) => `  ${line}`),
    `${all.length} source packages: ${changing.length} changed in 2025-08-09 to 2026-03-31, ${all.length - changing.length - unknown.length} did not, of ${unknown.length} the history is unknown, so they stay as they are`,
    ...why.map(
      ([reason, own]) =>
        `  ${own.length}: ${reason} (${own
          .slice(0, 8)
          .map(({ source }) => source)
          .join(', ')}${own.length > 8 ? ', …' : ''})`,
    ),
    `${ticks.length} events with ${updates} updates of source packages, ${ticks.filter(({ suite }) => suite === 'trixie-security').length} of them announcements (at noon of their day), the others dated by changelogs`,
  ]
}

function comparison(ours: Simulated, nightly: Simulated, images: readonly WeighedImage[]): string[] {
  const nights = Math.round((SPAN.end - SPAN.start) / DAY)
  const whole = images.flatMap(({ layers }) => layers).reduce((sum, { bytes }) => sum + bytes, 0)
  const row = (
    name: string,
    { rebuilds, bytes, closed, exposure }: Pick<Simulated, 'rebuilds' | 'bytes' | 'closed' | 'exposure'>,
  ) => {
    const mean = closed === 0 ? '-' : formatSpan(exposure / closed)
    return [name, String(rebuilds), formatBytes(bytes), String(closed), (exposure / DAY).toFixed(0), mean]
  }
  const all = { ...nightly, rebuilds: images.length * nights, bytes: whole * nights }
  return [
    ...formatTable(
      [
        ['', 'rebuilds', 'bytes of layers', 'findings × images closed', 'exposure, days', 'mean'],
        row('everything each night, all layers new', all),
        row('each night, what has changed alone', nightly),
        row('by event and policy', ours),
      ],
      { width: 160, right: [1, 2, 3, 4, 5] },
    ),
    'bytes are those of the .debs in layers that change, each layer where it is made: a base once, not with each overlay',
    'exposure is from the announcement, at noon of its day, to the release; a release comes with its plan here, so the time of a run is not in it',
    `saved against everything each night: ${((1 - ours.rebuilds / all.rebuilds) * 100).toFixed(1)} % of rebuilds, ${((1 - ours.bytes / all.bytes) * 100).toFixed(2)} % of bytes`,
  ]
}

function explained({ plans, held, unchanged, heldAtEnd, remembered }: Simulated): string[] {
  const rows = (counts: ReadonlyMap<string, number>) =>
    [...counts]
      .sort(([, left], [, right]) => right - left)
      .map(([why, count]) => `  ${String(count).padStart(6)}  ${why}`)
  const atEnd = [...Map.groupBy(heldAtEnd.values(), (words) => words)].map(
    ([words, all]) => [words, all.length] as const,
  )
  return [
    `${plans} plans; how often an image came to be held, by what:`,
    ...rows(held),
    'images that an event was about and that had nothing to take, by why:',
    ...(unchanged.size === 0 ? ['  none'] : rows(unchanged)),
    'held at the end:',
    ...rows(new Map(atEnd)),
    `${remembered} versions are remembered, because somebody lacks them`,
  ]
}
