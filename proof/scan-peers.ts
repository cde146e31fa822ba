import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AdvisoryStore } from '#advisory'
import { matchPackages, releaseOf } from '#match'
import { readInventory } from '../src/cli/image-inventory.ts'
import { openGateStore } from '../test/gate/gate-store.ts'
import { scannedImages } from './parts/labelled-images.ts'
import { buildPeerDatabases, type PeerDatabases } from './parts/peer-databases.ts'
import { findingsByGrype, findingsByTrivy, type PeerFinding, plainLayout } from './parts/peer-scanners.ts'
import { PEER_VERSIONS } from './parts/peers.ts'
import { AGREEMENTS, DISAGREEMENTS, LIMITED_TO } from './parts/scan-classes.ts'

/** What each of the three says of one issue of one binary package; `nothing` is a word, too. */
interface Answers {
  readonly ours: string
  readonly grype: string
  readonly trivy: string
}

/** Answers that are alike, with one of them to look at. */
interface ScanClass {
  count: number
  readonly example: string
  readonly issues: Set<string>
}

/**
 * grype and trivy, over databases that their own builders made of the advisories of the quality gate, against us on the same:
 * on images of the catalogue, and on package databases with every version that the gate has a label of. Holds when each
 * class of answers is one in which all agree, or has its sentence in `parts/scan-classes.ts`, and no sentence is without
 * its class. Needs `npm run peers`.
 */
export async function run(): Promise<{ holds: boolean; lines: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-scan-peers-'))
  const classes = new Map<string, ScanClass>()
  const images: string[] = []
  try {
    const databases = await buildPeerDatabases(join(folder, 'databases'))
    const store = openGateStore()
    for await (const { title, layout } of scannedImages(folder)) {
      const answers = await answersOn(layout, databases, store)
      for (const [what, answer] of answers) add(classes, `${title}: ${what}`, answer)
      images.push(`${title.padEnd(30)} ${String(answers.size).padStart(5)} issues of packages`)
      console.error(images.at(-1))
      rmSync(layout, { recursive: true })
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return report(classes, images)
}

async function answersOn(
  layout: string,
  databases: PeerDatabases,
  store: AdvisoryStore,
): Promise<ReadonlyMap<string, Answers>> {
  const question = { image: await plainLayout(layout) }
  const words = {
    ours: await ourWords(layout, store),
    grype: peerWords(await findingsByGrype(question, databases)),
    trivy: peerWords(await findingsByTrivy(question, databases)),
  }
  rmSync(question.image, { recursive: true })
  const keys = new Set(Object.values(words).flatMap((each) => [...each.keys()]))
  return new Map(
    [...keys].map((key) => {
      const said = (who: keyof typeof words) => words[who].get(key) ?? 'nothing'
      return [key, { ours: said('ours'), grype: said('grype'), trivy: said('trivy') }]
    }),
  )
}

function peerWords(findings: readonly PeerFinding[]): Map<string, string> {
  return new Map(
    findings.map(({ name, issue, state, fixedIn }) => [
      `${name} ${issue}`,
      fixedIn === undefined ? state : `${state} in ${fixedIn}`,
    ]),
  )
}

/** Our word, and whose record it rests on. Issues that are no findings have their reason as a word, too. */
async function ourWords(layout: string, store: AdvisoryStore): Promise<Map<string, string>> {
  const inventory = await readInventory(`oci:${layout}:image`, 'linux/amd64')
  const { findings, settled } = matchPackages(inventory.packages, releaseOf(inventory), store)
  const words = new Map<string, string>()
  for (const { cve, source, sourceVersion, reason, evidence } of settled) {
    for (const one of inventory.packages) {
      if (one.source.name !== source || one.source.version !== sourceVersion) continue
      words.set(`${one.name} ${cve}`, `${reason} by ${evidence.origin}`)
    }
  }
  for (const finding of findings) {
    const { status, fixedIn, evidence } = finding
    const word = fixedIn === undefined ? status : `${status} in ${fixedIn}`
    for (const name of finding.packages) words.set(`${name} ${finding.cve}`, `${word} by ${evidence.origin}`)
  }
  return words
}

/** Versions do not make a class, but whether they are the same does. */
function add(classes: Map<string, ScanClass>, what: string, { ours, grype, trivy }: Answers): void {
  const words = [ours.replace(/ by .*/, ''), grype, trivy]
  const fixes = new Set(words.flatMap((word) => / in (.*)$/.exec(word)?.[1] ?? []))
  const [, by = ''] = / by (.*)$/.exec(ours) ?? []
  const [issue = '', kind = ''] = /(CVE|DSA|DLA|TEMP)-\S+$/.exec(what) ?? []
  const bare = words.map((word) => word.replace(/ in .*$/, ''))
  const key = [`${kind}: ${bare[0]}${by === '' ? '' : ` (${by})`}`, bare[1], bare[2]].join(' | ')
  const name = fixes.size > 1 ? `${key} | other versions` : key
  const found = classes.get(name) ?? { count: 0, example: `${what}: ${ours} | ${grype} | ${trivy}`, issues: new Set() }
  classes.set(name, found)
  found.count++
  found.issues.add(issue)
}

function report(classes: ReadonlyMap<string, ScanClass>, images: readonly string[]) {
  const sorted = [...classes].sort(([, left], [, right]) => right.count - left.count)
  const agreed = sorted.filter(([name]) => AGREEMENTS.has(name))
  const rest = sorted.filter(([name]) => !AGREEMENTS.has(name))
  const unexplained = rest.filter(
    ([name, { issues }]) =>
      !DISAGREEMENTS.has(name) || [...issues].some((one) => LIMITED_TO.get(name)?.includes(one) === false),
  )
  const unused = [...DISAGREEMENTS.keys()].filter((name) => !classes.has(name))
  const sum = (some: typeof sorted) => some.reduce((total, [, { count }]) => total + count, 0)
  const row = ([name, { count }]: (typeof sorted)[number]) => `${String(count).padStart(6)}  ${name}`
  const lines = [
    PEER_VERSIONS,
    ...images,
    '',
    `${sum(sorted)} issues of packages: ${sum(agreed)} agreed in ${agreed.length} classes, ${sum(rest)} in ${rest.length} classes not`,
    'each class: issue: our word (whose record) | grype | trivy',
    '',
    'agreed',
    ...agreed.map(row),
    '',
    'not agreed',
    ...rest.flatMap((each) => [
      row(each),
      `        ${DISAGREEMENTS.get(each[0]) ?? 'WITHOUT EXPLANATION'}`,
      `        e.g. ${each[1].example}`,
    ]),
    '',
    `without explanation: ${unexplained.length} classes`,
    ...unexplained.map(([name]) => `  ${name}`),
    ...unused.map((name) => `explained, but there is none: ${name}`),
  ]
  return { holds: sorted.length > 0 && unexplained.length === 0 && unused.length === 0, lines }
}
