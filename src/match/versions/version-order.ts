import type * as Pep440 from '@renovatebot/pep440'
import type compareSemver from 'semver/functions/compare.js'
import type parseSemver from 'semver/functions/parse.js'
import { lateModule } from '#core'
import type { ApplicationComponent } from '#sbom'
import { compareMavenVersions, isMavenVersion } from './maven.ts'
import { compareRubyVersions, isRubyVersion } from './rubygems.ts'

/** The order in which an ecosystem puts its versions. */
export interface VersionOrder {
  /** Whether the ecosystem's own tools take a text for a version. */
  isVersion(text: string): boolean
  /** Less than 0, 0, or more than 0. Both must be versions. */
  compare(left: string, right: string): number
}

/** No ecosystem publishes longer ones; comparing them would take time for nothing. */
const VERSION_LENGTH = 256

const pep440 = lateModule<typeof Pep440>('@renovatebot/pep440')
const semverParse = lateModule<typeof parseSemver>('semver/functions/parse.js')
const semverCompare = lateModule<typeof compareSemver>('semver/functions/compare.js')

const semver: VersionOrder = {
  isVersion: (text) => semverParse()(semverOf(text), { loose: true }) !== null,
  compare: (left, right) => semverCompare()(semverOf(left), semverOf(right), true),
}

const ORDERS: Readonly<Record<ApplicationComponent['ecosystem'], VersionOrder>> = {
  npm: semver,
  Go: semver,
  PyPI: {
    isVersion: (text) => pep440().valid(text) !== null,
    compare: (left, right) => pep440().compare(left, right),
  },
  Maven: { isVersion: isMavenVersion, compare: compareMavenVersions },
  RubyGems: { isVersion: isRubyVersion, compare: compareRubyVersions },
}

/**
 * The order of versions of an ecosystem: semantic versioning for npm and Go (2.0.0, clause 11), PEP 440 for PyPI, Maven's
 * "Version Order Specification", RubyGems' `Gem::Version`.
 */
export function versionOrderOf(ecosystem: ApplicationComponent['ecosystem']): VersionOrder {
  const { isVersion, compare } = ORDERS[ecosystem]
  return { isVersion: (text) => text.length <= VERSION_LENGTH && isVersion(text), compare }
}

/** Go writes `v1.2.3`, its toolchain `go1.22`; OSV documents leave out zeros at the end. */
function semverOf(text: string): string {
  const [, plain = ''] = /^(?:v|go)?(.*)$/s.exec(text) ?? []
  const [, numbers = '', rest = ''] = /^([0-9]+(?:\.[0-9]+)?)((?:[-+].*)?)$/s.exec(plain) ?? []
  if (numbers === '') return plain
  return `${numbers}${numbers.includes('.') ? '.0' : '.0.0'}${rest}`
}
