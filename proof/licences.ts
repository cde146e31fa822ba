import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DebComponent, PackageLicence } from '#sbom'
import { hostPlatform } from '../src/cli/host-platform.ts'
import { readInventory } from '../src/cli/image-inventory.ts'
import { runOrThrow } from './parts/command.ts'

const CLI = join(import.meta.dirname, '../src/cli/main.ts')
const LEAST_CLASSIFIED = 0.95
const BY_HAND = 40
const RECORD = join(import.meta.dirname, '../src/sbom/licences/testdata/by-hand.json')

/** A binary package as images of the catalogue have it. */
interface CataloguePackage {
  readonly name: string
  readonly version: string
  readonly licence: PackageLicence
}

/** What of `casemate catalog build --json` is read. */
interface Finished {
  readonly name: string
  readonly variant: string
  readonly place: string
}

/**
 * The licences of all packages of the catalogue's images, every variant for this machine's platform, as their copyright files
 * say. Holds when 95 % of them at least are classified: every part of the expression is of SPDX's list, or a LicenseRef with
 * its name and text; and when of the packages that somebody has read (`by-hand.json`) the same is said as then. The rest is
 * listed with the reason. Arguments are names of images; all unless given.
 */
export async function run(only: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-licences-'))
  const platform = hostPlatform()
  try {
    const build = ['catalog', 'build', ...only, '--platform', platform, '--json', '-o', `oci:${join(folder, 'images')}`]
    const finished: readonly Finished[] = JSON.parse(
      await runOrThrow([process.execPath, '--conditions=source', CLI, ...build], { cwd: folder }),
    )
    const packages = new Map<string, CataloguePackage>()
    for (const { place } of finished) {
      const { packages: own } = await readInventory(place, platform, { licences: true })
      for (const one of own) packages.set(`${one.name} ${one.version}`, cataloguePackage(one, place))
    }
    return report([...packages.values()].sort(byName), finished.length)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function cataloguePackage({ name, version, licence }: DebComponent, place: string): CataloguePackage {
  if (licence === undefined) throw new Error(`cannot prove licences: nobody has looked at that of ${name} in ${place}`)
  return { name, version, licence }
}

function byName(left: CataloguePackage, right: CataloguePackage): number {
  return left.name < right.name ? -1 : left.name > right.name ? 1 : left.version < right.version ? -1 : 1
}

function report(packages: readonly CataloguePackage[], images: number): { holds: boolean; lines: string[] } {
  const rest = packages.filter((one) => whyNot(one.licence).length > 0)
  const refs = packages.filter(({ licence }) => /LicenseRef-/.test(licence.expression ?? ''))
  const byHand = compareByHand(packages)
  const share = (packages.length - rest.length) / packages.length
  const lines = [
    `${packages.length} packages of ${images} images`,
    `classified: ${packages.length - rest.length}, ${(100 * share).toFixed(2)} % (at least ${100 * LEAST_CLASSIFIED} %), ${refs.length} of them with texts of their own kept`,
    `machine-readable: ${packages.filter(({ licence }) => licence.by.startsWith('copyright-format')).length}`,
    '',
    `not classified: ${rest.length}`,
    ...rest.map(({ name, version, licence }) => `  ${name} ${version}: ${whyNot(licence).join('; ')}`),
    '',
    ...byHand.lines,
  ]
  return { holds: packages.length > 0 && share >= LEAST_CLASSIFIED && byHand.holds, lines }
}

/** Why a licence does not count as classified; nothing where it does. */
function whyNot({ expression, extracted, unclassified }: PackageLicence): readonly string[] {
  if (expression === undefined) return unclassified
  const named = new Set(expression.match(/LicenseRef-[A-Za-z0-9.-]+/g))
  const kept = new Set(extracted.filter(({ name, text }) => name !== '' && text.trim() !== '').map(({ id }) => id))
  return [...named.difference(kept)].map((id) => `${id} has no text`)
}

/** What somebody has found by reading a package's copyright file, and what we said of it then. */
interface ReadByHand {
  readonly package: string
  readonly version: string
  readonly expression: string | null
  readonly read: string
  readonly note?: string
}

/** Holds what we say of the packages that were to be read against the record; of some images, of those that they have. */
function compareByHand(packages: readonly CataloguePackage[]): { holds: boolean; lines: readonly string[] } {
  const record: readonly ReadByHand[] = JSON.parse(readFileSync(RECORD, 'utf8'))
  const known = new Map(packages.map((one) => [one.name, one]))
  const rows = record.map((one) => ({ ...one, now: known.get(one.package) })).filter(({ now }) => now !== undefined)
  const changed = rows.filter(({ expression, now }) => now?.licence.expression !== (expression ?? undefined))
  const differing = rows.filter(({ read }) => read !== 'the same')
  // New packages of the catalogue may take the place of some: that is for people to read, and no fault of ours.
  const unread = chosenByHand(packages).filter(({ name }) => !record.some((one) => one.package === name))
  return {
    holds: changed.length === 0 && record.length >= BY_HAND,
    lines: [
      `read by hand: ${rows.length} of ${record.length}, of which ${differing.length} are said otherwise, each with the reason`,
      ...differing.map((one) => `  ${one.package} ${one.version}: by reading, ${one.read}. ${one.note ?? ''}`),
      ...changed.map((one) => `  CHANGED: ${one.package}: now ${one.now?.licence.expression ?? 'not classified'}`),
      ...unread.map(({ name }) => `  to be read: ${name}`),
    ],
  }
}

/** The packages with the lowest SHA-256 of `licence-1:` and their name: nobody has picked them. */
function chosenByHand(packages: readonly CataloguePackage[]): readonly CataloguePackage[] {
  const rank = ({ name }: CataloguePackage) => createHash('sha256').update(`licence-1:${name}`).digest('hex')
  const names = new Map(packages.map((one) => [one.name, one]))
  return [...names.values()].sort((left, right) => (rank(left) < rank(right) ? -1 : 1)).slice(0, BY_HAND)
}
