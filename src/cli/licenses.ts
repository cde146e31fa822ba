import { type DebComponent, joinExtracted } from '#sbom'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { readInventory } from './image-inventory.ts'
import { cutText, formatTable, type Terminal } from './terminal.ts'

/** The options of `casemate licenses`, as the command line gives them. */
export interface LicensesOptions {
  readonly platform: string
  readonly json?: boolean
}

/** Prints the licences of an image's packages, what could not be classified, and the sources to offer. Rejects as `readInventory` does. */
export async function runLicenses(
  reference: string,
  options: LicensesOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const inventory = await readInventory(reference, options.platform, { licences: true })
  for (const fault of inventory.faults) terminal.warn(fault)
  const { packages } = inventory
  if (options.json === true) terminal.print(JSON.stringify(licencesDocument(packages), null, 2))
  else printLicences(packages, terminal)
  return exitStatus.done
}

function printLicences(packages: readonly DebComponent[], terminal: Terminal): void {
  const groups = groupsOf(packages)
  const unclassified = packages.filter(({ licence }) => licence?.expression === undefined)
  const half = Math.floor(terminal.width * 0.55)
  const rows = groups.map(({ expression, names }) => [cutText(expression, half), String(names.length), names.join(' ')])
  terminal.print(
    terminal.style('bold', `licences of ${packages.length - unclassified.length} of ${packages.length} packages`),
  )
  for (const line of formatTable(rows, { width: terminal.width, right: [1] })) terminal.print(visible(line))
  if (unclassified.length > 0) {
    terminal.print()
    terminal.print(terminal.style('bold', `not classified: ${unclassified.length}`))
    for (const { name, licence } of unclassified) {
      const [first = 'nobody has looked', ...others] = licence?.unclassified ?? []
      const more = others.length === 0 ? '' : ` (and ${others.length} more)`
      terminal.print(visible(`  ${name}: ${cutText(first, terminal.width - name.length - more.length - 4)}${more}`))
    }
  }
  const sources = sourcesOf(packages)
  terminal.print()
  terminal.print(terminal.style('bold', `source packages: ${sources.length}`))
  const lines = sources.map(({ name, version, packages: names }) => [`  ${name}`, version, names.join(' ')])
  for (const line of formatTable(lines, { width: terminal.width })) terminal.print(visible(line))
}

/** Packages by licence expression, the most frequent first, then by text. */
function groupsOf(packages: readonly DebComponent[]): readonly { expression: string; names: readonly string[] }[] {
  const groups = new Map<string, string[]>()
  for (const { name, licence } of packages) {
    if (licence?.expression === undefined) continue
    groups.set(licence.expression, [...(groups.get(licence.expression) ?? []), name])
  }
  return [...groups]
    .map(([expression, names]) => ({ expression, names }))
    .sort((a, b) => b.names.length - a.names.length || (a.expression < b.expression ? -1 : 1))
}

interface OfferedSource {
  readonly name: string
  readonly version: string
  /** The binary packages in the image that are built from it. */
  readonly packages: readonly string[]
}

/** The sources that whoever hands on the image has to offer, by name and version. */
function sourcesOf(packages: readonly DebComponent[]): readonly OfferedSource[] {
  const sources = new Map<string, OfferedSource>()
  for (const { name, source } of packages) {
    const key = `${source.name}\0${source.version}`
    sources.set(key, { ...source, packages: [...(sources.get(key)?.packages ?? []), name] })
  }
  return [...sources].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, source]) => source)
}

/** The licences of an image's packages with their texts, what could not be classified, and the sources to offer. */
export function licencesDocument(packages: readonly DebComponent[]) {
  return {
    packages: packages.map(({ name, version, architecture, licence }) => ({
      name,
      version,
      architecture,
      expression: licence?.expression ?? null,
      by: licence?.by ?? null,
      unclassified: licence?.unclassified ?? [],
    })),
    texts: joinExtracted(packages),
    sources: sourcesOf(packages),
  }
}

/** Names come from the image: what would steer a terminal is not passed on. */
function visible(line: string): string {
  return line.replace(/\p{Cc}/gu, '?')
}
