/**
 * Makes `labels.jsonl` and `testdata/` anew: `npm run labels -- --data FOLDER --main URL --security URL --cache FOLDER`.
 * Imports nothing of what it judges: lists and changelogs are read by readers of its own, versions are ordered by dpkg.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { excerptExport, excerptList } from './excerpt.ts'
import { fromAnnouncements, indexAnnouncements } from './from-announcements.ts'
import { fromChangelogs } from './from-changelogs.ts'
import { fromExport } from './from-export.ts'
import { fromCveList, fromSample } from './from-tracker.ts'
import { historyOf, rank } from './history.ts'
import { archivePackages, RELEASES } from './installed.ts'
import { readList } from './lists.ts'
import { SOURCES } from './sources.ts'
import type { Triple } from './triple.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    main: { type: 'string' },
    security: { type: 'string' },
    cache: { type: 'string' },
  },
})
const { data, main, security, cache } = values
if (data === undefined || main === undefined || security === undefined || cache === undefined) {
  console.error('usage: npm run labels -- --data FOLDER --main URL --security URL --cache FOLDER')
  process.exit(2)
}

const read = (path: string) => readFileSync(join(data, path), 'utf8')
const announcements = ['DSA-list', 'DLA-list'].map((name) => read(`debian-advisories/${name}`))
const fixes = indexAnnouncements(announcements.flatMap(readList))
const cves = readList(read('debian-tracker/CVE-list.slice'))
const samples = readdirSync(join(data, 'debian-tracker/by-cve-samples'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.json') && !/DT?SA-/.test(path))
  .sort()
  .map((path) => ({ file: basename(path), text: read(`debian-tracker/by-cve-samples/${path}`) }))
const exported = read('debian-tracker/export-sample.json')
const resolved: Record<string, Record<string, { releases: Record<string, { fixed_version: string }> }>> = JSON.parse(
  read('debian-tracker/export-resolved-only.json'),
)
const mirrors = { main, security, cache }
const archive = archivePackages(mirrors, SOURCES)

const histories = RELEASES.flatMap((release) =>
  SOURCES.flatMap((source) => historyOf(source, release, archive, mirrors) ?? []),
)
const candidates = [
  ...fromExport(exported, 'export-sample.json'),
  ...histories.flatMap((history) => [
    ...cves.flatMap((entry) => fromCveList(history, entry, fixes)),
    ...samples.flatMap(({ file, text }) => fromSample(history, text, file)),
    ...fromChangelogs(
      history,
      fixes,
      (issue, version) => resolved[history.source]?.[issue]?.releases[history.release]?.fixed_version === version,
    ),
    ...fromAnnouncements(history, fixes),
  ]),
]
const triples = selected(candidates)
writeFileSync(
  join(import.meta.dirname, 'labels.jsonl'),
  triples.map((triple) => `${JSON.stringify(triple)}\n`).join(''),
)
const named = new Set(triples.map(({ source }) => source))
for (const [index, name] of ['DSA-list', 'DLA-list'].entries()) {
  writeFileSync(join(import.meta.dirname, 'testdata', name), excerptList(announcements[index] ?? '', named))
}
const tracker = excerptExport({ histories, cves, samples, exported, resolved, fixes, triples })
writeFileSync(join(import.meta.dirname, 'testdata', 'export.json'), `${JSON.stringify(tracker, null, 1)}\n`)
console.log(`${triples.length} of ${candidates.length} labels, ${named.size} sources`)

/** Fills every trap and every word up to a number of triples, in an order that nobody chose. */
function selected(all: readonly Triple[]): readonly Triple[] {
  const PER_TRAP = 45
  const PER_PACKAGE_AND_LABEL = 3
  const chosen = new Map<string, Triple>()
  const counts = new Map<string, number>()
  const offered = new Map<string, number>()
  for (const key of all.flatMap(({ traps, label }) => [...traps, label])) offered.set(key, (offered.get(key) ?? 0) + 1)
  const inOrder = [...all].sort((left, right) => rank(keyOf(left)) - rank(keyOf(right)))
  for (const triple of inOrder) {
    if (chosen.has(keyOf(triple))) continue
    const group = `${triple.release} ${triple.source} ${triple.label}`
    const wanted = [...triple.traps, triple.label].filter((key) => (counts.get(key) ?? 0) < PER_TRAP)
    if (wanted.length === 0) continue
    // Rare traps are taken whole; of common ones, no source fills the quota alone.
    const isRare = wanted.some((key) => (offered.get(key) ?? 0) < 2 * PER_TRAP)
    if (!isRare && (counts.get(group) ?? 0) >= PER_PACKAGE_AND_LABEL) continue
    chosen.set(keyOf(triple), triple)
    for (const counted of [group, triple.label, ...triple.traps]) counts.set(counted, (counts.get(counted) ?? 0) + 1)
  }
  return [...chosen.entries()].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, triple]) => triple)
}

function keyOf({ release, source, version, binary, issue }: Triple): string {
  return `${source} ${issue} ${release} ${version} ${binary}`
}
