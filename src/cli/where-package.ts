import { DebianError, parseVersion, satisfies, type VersionOperator } from '#debian'
import type { DebComponent } from '#sbom'
import { UsageError } from './errors.ts'
import { readScanned } from './scanned-inventory.ts'
import type { Question } from './where-question.ts'

/** A package that is looked for: a binary package's name, or a source package's. */
interface Wanted {
  readonly name: string
  readonly operator: VersionOperator | undefined
  readonly version: string | undefined
}

/** The operators of the command line; Debian's own double the strict ones. */
const OPERATORS: Readonly<Record<string, VersionOperator>> = { '<': '<<', '<=': '<=', '=': '=', '>=': '>=', '>': '>>' }

/** Asks which images have a package, in a version if one is given. Throws `USAGE_INVALID` for what is no package. */
export function packageQuestion(what: string, platform: string): Question {
  const wanted = parseWanted(what)
  return {
    kind: 'package',
    what,
    head: ['packages'],
    nothing: { packages: [] },
    async ask(reference) {
      const { image, packages, faults } = await readScanned(reference, platform)
      const found = packages
        .filter((one) => isWanted(one, wanted))
        .map(({ name, version, architecture, source }) => ({ name, version, architecture, source }))
      const names = found.map(({ name, version }) => `${name} ${version}`).join(', ')
      const has = found.length > 0
      return { digest: image.digest, has, rows: has ? [[names]] : [], found: { packages: found }, faults }
    },
    close() {},
  }
}

function parseWanted(text: string): Wanted {
  const [, name, operator, version] = /^([a-z0-9][a-z0-9+.-]+)(?:(<=|>=|<|>|=)(.+))?$/.exec(text) ?? []
  if (name === undefined) {
    const wanted = 'want NAME, NAME=VERSION or NAME<VERSION, CVE-…, GHSA-… or sha256:<64 hex digits>'
    throw new UsageError('USAGE_INVALID', `cannot look for "${text}": ${wanted}`)
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
