import type { FileGroup, Inventory } from '#sbom'
import { formatTable } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** An inventory for people: what there is of which kind, what made the files without a package, and the rest by its path. */
export function sbomLines(inventory: Inventory, width: number): string[] {
  const { image, distribution, packages, applications, account, definition, bases = [] } = inventory
  const sources = new Set(packages.map(({ source }) => source.name)).size
  const rows = [
    ['image', `${image.name} ${image.version}`.trim()],
    ['digest', image.digest],
    ['distribution', distribution?.prettyName ?? 'none that says so'],
    ...bases.map(({ origin, name, layers }) => [origin, `${name}, the lowest ${layers} layers`]),
    ['Debian packages', `${packages.length}, of ${sources} source packages${originsOf(packages)}`],
    ...[...new Set(applications.map(({ ecosystem }) => ecosystem))].map((ecosystem) => [
      `${ecosystem} packages`,
      `${applications.filter((one) => one.ecosystem === ecosystem).length}`,
    ]),
    ...(account?.groups ?? []).map((group) => [titleOf(group), `${filesOf(group)}${originOf(group)}`]),
    ...(definition?.leftOut ?? []).map(({ name, reason }) => ['left out', `${name}: ${reason}`]),
  ]
  const unexplained = account?.unexplained ?? []
  return [
    ...formatTable(
      rows.map((row) => row.map(visibleText)),
      { width },
    ),
    ...section(
      'Packages of applications',
      applications.map(({ ecosystem, name, version, path }) => [`  ${ecosystem}`, `${name} ${version}`, path]),
    ),
    ...section(
      'Files that nothing explains',
      unexplained.map((path) => [`  ${path}`]),
    ),
  ]
}

/** How many of them are whose, where that is known. */
function originsOf(packages: Inventory['packages']): string {
  const counts = Map.groupBy(packages, ({ origin }) => origin)
  const known = (['base', 'overlay', 'application'] as const).flatMap((origin) => {
    const { length } = counts.get(origin) ?? []
    return length === 0 ? [] : [`${length} of the ${origin}`]
  })
  return known.length === 0 ? '' : `: ${known.join(', ')}`
}

/** Paths are never cut: who looks for one looks for all of it. */
function section(title: string, rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return []
  const shown = rows.map((row) => row.map(visibleText))
  return ['', `${title} (${rows.length})`, ...formatTable(shown, { width: Number.POSITIVE_INFINITY })]
}

function titleOf({ kind, name }: FileGroup): string {
  if (name.startsWith('/')) return 'taken in'
  return kind === 'effect' ? `effect ${name}` : kind === 'definition' ? `definition: ${name}` : `${name} database`
}

function filesOf({ files }: FileGroup): string {
  const [first, ...others] = files
  return others.length === 0 ? `${first}` : `${files.length} files, ${first} …`
}

function originOf({ origin }: FileGroup): string {
  return origin === undefined ? '' : `, from ${origin.at}`
}
