import { CasemateError } from '#core'
import { DebianError, parseVersion, satisfies, type VersionOperator } from '#debian'
import type { DebComponent } from '#sbom'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus, formatError, statusOfError } from './exit-status.ts'
import { readScanned } from './scanned-inventory.ts'
import { formatTable, type Terminal } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** The options of `casemate where`, as the command line gives them. */
export interface WhereOptions {
  readonly platform: string
  readonly json?: boolean
}

/** A package that is looked for: a binary package's name, or a source package's. */
interface Wanted {
  readonly name: string
  readonly operator: VersionOperator | undefined
  readonly version: string | undefined
}

interface Found {
  readonly reference: string
  /** The manifest's digest; null where the image could not be read. */
  readonly digest: string | null
  readonly packages: readonly Pick<DebComponent, 'name' | 'version' | 'architecture' | 'source'>[]
  /** Why the image could not be read. */
  readonly error: string | null
}

/** The operators of the command line; Debian's own double the strict ones. */
const OPERATORS: Readonly<Record<string, VersionOperator>> = { '<': '<<', '<=': '<=', '=': '=', '>=': '>=', '>': '>>' }

/**
 * Prints which images have a package, a line each, in the order in which they are given; the status is "no" when none has. An
 * image that cannot be read is named, the others are looked at, and the status says that it could not be done. Throws
 * `USAGE_INVALID` for what is no package.
 */
export async function runWhere(
  what: string,
  references: readonly string[],
  { platform, json = false }: WhereOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const wanted = parseWanted(what)
  const images: Found[] = []
  let failed: ExitStatus = exitStatus.done
  for (const reference of references) {
    terminal.progress(`reading ${reference} …`)
    try {
      const { image, packages, faults } = await readScanned(reference, platform)
      for (const fault of faults) terminal.warn(`${reference}: ${fault}`)
      const matches = packages.filter((one) => isWanted(one, wanted))
      const shown = matches.map(({ name, version, architecture, source }) => ({ name, version, architecture, source }))
      images.push({ reference, digest: image.digest, packages: shown, error: null })
    } catch (error) {
      if (!(error instanceof CasemateError)) throw error
      failed = statusOfError(error)
      terminal.warn(formatError(error))
      images.push({ reference, digest: null, packages: [], error: formatError(error) })
    }
  }
  terminal.progress('')
  const having = images.filter(({ packages }) => packages.length > 0)
  if (json) terminal.print(JSON.stringify({ schema: 'casemate.where/v1', package: what, images }, null, 2))
  else {
    const rows = having.map(({ reference, packages }) => [
      visibleText(reference),
      visibleText(packages.map(({ name, version }) => `${name} ${version}`).join(', ')),
    ])
    for (const line of formatTable(rows, { width: Number.POSITIVE_INFINITY })) terminal.print(line)
  }
  if (failed !== exitStatus.done) return failed
  return having.length > 0 ? exitStatus.done : exitStatus.no
}

function parseWanted(text: string): Wanted {
  const [, name, operator, version] = /^([a-z0-9][a-z0-9+.-]+)(?:(<=|>=|<|>|=)(.+))?$/.exec(text) ?? []
  if (name === undefined) {
    throw new UsageError('USAGE_INVALID', `cannot look for "${text}": want NAME, NAME=VERSION or NAME<VERSION`)
  }
  try {
    if (version !== undefined) parseVersion(version)
  } catch (cause) {
    if (!(cause instanceof DebianError)) throw cause
    throw new UsageError('USAGE_INVALID', `cannot look for "${text}": ${cause.message}`, { cause })
  }
  return { name, operator: operator === undefined ? undefined : OPERATORS[operator], version }
}

/** A binary package is held against the version that it has itself, one of a source package against its source's. */
function isWanted(one: DebComponent, { name, operator, version }: Wanted): boolean {
  if (one.name === name) return satisfies(one.version, operator, version)
  return one.source.name === name && satisfies(one.source.version, operator, version)
}
