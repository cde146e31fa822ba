import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dockerRegistry } from '../src/oci/io/fixtures.test.ts'
import { runOrThrow } from './parts/command.ts'
import { scannedImages } from './parts/labelled-images.ts'
import { buildIgnorantDatabases, buildPeerDatabases, type ScannerDatabases } from './parts/peer-databases.ts'
import { findingsByGrype, findingsByTrivy, type PeerFinding, plainLayout } from './parts/peer-scanners.ts'
import { PEER_VERSIONS } from './parts/peers.ts'

const CLI = join(import.meta.dirname, '../src/cli/main.ts')
const SCANNERS = { grype: findingsByGrype, trivy: findingsByTrivy } as const

const STILL_FINDS = 'still finds'

interface VexDocument {
  readonly statements: readonly {
    readonly vulnerability: { readonly name: string }
    readonly products: readonly {
      readonly '@id': string
      readonly subcomponents?: readonly { readonly '@id': string }[]
    }[]
    readonly status: string
  }[]
}

/** How many of a scanner's findings were there, were said to be harmless, and were gone. */
interface Tally {
  found: number
  said: number
  gone: number
}

/**
 * `casemate vex` of images, given to grype and trivy, whose databases know of no fix: of their findings there go those of a
 * package and an issue that the document calls fixed or not affected, as they themselves write the package's purl, and no other.
 * On images of the catalogue, and on package databases with every version that the quality gate has a label of; by Debian's own
 * words and by the policy for what it calls unimportant. Once also by the document that speaks of an image in a registry. Needs
 * `npm run peers`.
 */
export async function run(): Promise<{ holds: boolean; lines: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-vex-peers-'))
  const faults: string[] = []
  const tallies = { grype: { found: 0, said: 0, gone: 0 }, trivy: { found: 0, said: 0, gone: 0 } }
  const rows: string[] = []
  let documents = 0
  try {
    const { casemate } = await buildPeerDatabases(join(folder, 'databases'))
    const databases = await buildIgnorantDatabases(join(folder, 'ignorant'))
    for await (const { title, layout } of scannedImages(folder)) {
      const plain = await plainLayout(layout)
      const files = await vexFiles(layout, casemate)
      for (const name of ['grype', 'trivy'] as const) {
        const scan = (vex: readonly string[]) => SCANNERS[name]({ image: plain, vex }, databases)
        const before = await scan([])
        for (const file of files) {
          const found = compare(before, await scan([file]), readVex(file))
          for (const key of ['found', 'said', 'gone'] as const) tallies[name][key] += found[key]
          faults.push(...found.faults.map((fault) => `${title}: ${name} ${fault}`))
        }
      }
      documents += files.length
      console.error(title, JSON.stringify(tallies), faults.length)
      for (const one of [layout, plain]) rmSync(one, { recursive: true })
    }
    const imageLevel = await onImageLevel(databases, casemate, folder)
    faults.push(...imageLevel.faults)
    rows.push(...imageLevel.rows)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const suppresses = Object.values(tallies).every(({ gone }) => gone > 0)
  return {
    holds: faults.length === 0 && suppresses,
    lines: [
      PEER_VERSIONS,
      `${documents} documents of packages`,
      ...Object.entries(tallies).map(([name, tally]) => rowOf(name, tally)),
      ...rows,
      '',
      `${faults.length} differences`,
      ...faults,
    ],
  }
}

function rowOf(name: string, { found, said, gone }: Tally): string {
  return `${name.padEnd(6)} ${found} findings in all; ${said} are called fixed or not affected, ${gone} went`
}

/**
 * The document that speaks of an image with its packages as parts, of an image that is pulled by its tag. grype must heed all of
 * it. trivy asks after the image only where it comes to it from the package without walking in a circle of dependencies, so
 * that there nothing but what is said may go.
 */
async function onImageLevel(databases: ScannerDatabases, env: NodeJS.ProcessEnv, folder: string) {
  const ends: (() => unknown)[] = []
  try {
    const name = `${await dockerRegistry({ after: (end) => ends.unshift(end) })}/team/app:1`
    const casemate = [process.execPath, '--conditions=source', CLI]
    await runOrThrow([...casemate, 'build', 'base', '--platform', 'linux/amd64', '-o', `docker://${name}`])
    const file = join(folder, 'image-level.openvex.json')
    const options = ['--image-level', '--unimportant', 'not-affected', '-o', file]
    await runOrThrow([...casemate, 'vex', `docker://${name}`, ...options], { env })
    const compared = async (scanner: keyof typeof SCANNERS) => {
      const scan = (vex: readonly string[]) => SCANNERS[scanner]({ image: `http://${name}`, vex }, databases)
      return compare(await scan([]), await scan([file]), readVex(file))
    }
    const found = { grype: await compared('grype'), trivy: await compared('trivy') }
    const wrong = found.trivy.faults.filter((fault) => !fault.startsWith(STILL_FINDS))
    const faults = [
      ...found.grype.faults.map((fault) => `image level: grype ${fault}`),
      ...wrong.map((fault) => `image level: trivy ${fault}`),
    ]
    return { faults, rows: Object.entries(found).map(([one, tally]) => `image level: ${rowOf(one, tally)}`) }
  } finally {
    for (const end of ends) await end()
  }
}

/** The document of an image by Debian's own words, and the one by policy. */
async function vexFiles(layout: string, env: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const command = [process.execPath, '--conditions=source', CLI, 'vex', `oci:${layout}:image`]
  const files = { [`${layout}/own-words.openvex.json`]: [], [`${layout}/policy.openvex.json`]: ['not-affected'] }
  for (const [file, unimportant] of Object.entries(files)) {
    const policy = unimportant.flatMap((status) => ['--unimportant', status])
    await runOrThrow([...command, ...policy, '-o', file], { env })
  }
  return Object.keys(files)
}

/** By package and issue, the words of a document. */
function readVex(file: string): ReadonlyMap<string, ReadonlySet<string>> {
  const { statements }: VexDocument = JSON.parse(readFileSync(file, 'utf8'))
  const words = new Map<string, Set<string>>()
  for (const { vulnerability, products, status } of statements) {
    for (const purl of products.flatMap(({ subcomponents, ...product }) => subcomponents ?? product)) {
      const key = `${packageOf(purl['@id'])} ${vulnerability.name}`
      words.set(key, (words.get(key) ?? new Set()).add(status))
    }
  }
  return words
}

function compare(
  before: readonly PeerFinding[],
  after: readonly PeerFinding[],
  words: ReadonlyMap<string, ReadonlySet<string>>,
): Tally & { faults: readonly string[] } {
  const keyOf = ({ purl, issue }: PeerFinding) => `${packageOf(purl)} ${issue}`
  const rest = new Set(after.map(keyOf))
  const found = [...new Set(before.map(keyOf))]
  const isSaid = (key: string) => {
    const said = words.get(key)
    return said !== undefined && said.size === 1 && (said.has('fixed') || said.has('not_affected'))
  }
  const appeared = [...rest].filter((key) => !found.includes(key)).map((key) => `finds with VEX alone: ${key}`)
  const wrong = found
    .filter((key) => isSaid(key) === rest.has(key))
    .map((key) =>
      rest.has(key) ? `${STILL_FINDS} ${key}` : `no longer finds ${key}, of which nothing harmless is said`,
    )
  const gone = found.filter((key) => !rest.has(key))
  return { found: found.length, said: found.filter(isSaid).length, gone: gone.length, faults: [...appeared, ...wrong] }
}

/** Name, version with its epoch, and architecture. An epoch stands in the version, or, as trivy has it, beside it. */
function packageOf(purl: string): string {
  const [, name = '', version = '', query = ''] = /^pkg:deb\/debian\/([^@]+)@([^?]+)(?:\?(.*))?$/.exec(purl) ?? []
  const qualifiers = new URLSearchParams(query)
  const epoch = qualifiers.get('epoch')
  const whole = `${epoch === null ? '' : `${epoch}:`}${decodeURIComponent(version)}`
  return `${decodeURIComponent(name)} ${whole} ${qualifiers.get('arch')}`
}
