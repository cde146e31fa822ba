import { DebianError } from './errors.ts'
import type { DebVersion, VersionOperator } from './package.ts'

/** A version taken apart (deb-version(7)). */
export interface VersionParts {
  readonly epoch: number
  readonly upstream: string
  /** Empty when the version has no revision, which orders as revision `0`. */
  readonly revision: string
}

/** Takes a version apart. Throws `VERSION_INVALID` where deb-version(7) does not allow it, as `dpkg --validate-version` does. */
export function parseVersion(text: DebVersion): VersionParts {
  const colon = text.indexOf(':')
  const epochText = colon < 0 ? '0' : text.slice(0, colon)
  const rest = colon < 0 ? text : text.slice(colon + 1)
  const hyphen = rest.lastIndexOf('-')
  const upstream = hyphen < 0 ? rest : rest.slice(0, hyphen)
  const revision = hyphen < 0 ? '' : rest.slice(hyphen + 1)
  const epoch = Number(epochText)
  const reason =
    !/^[0-9]+$/.test(epochText) || epoch > 2147483647
      ? 'its epoch is no number from 0 to 2147483647'
      : !/^[0-9][A-Za-z0-9.+~:-]*$/.test(upstream)
        ? 'its upstream version must start with a digit and hold only letters, digits and . + - ~ :'
        : hyphen >= 0 && !/^[A-Za-z0-9.+~]+$/.test(revision)
          ? 'its revision may hold only letters, digits and . + ~'
          : undefined
  if (reason !== undefined) throw new DebianError('VERSION_INVALID', `cannot parse version "${text}": ${reason}`)
  return { epoch, upstream, revision }
}

/** Tells whether a text is a version as deb-version(7) has it. */
export function isVersion(text: string): text is DebVersion {
  try {
    parseVersion(text)
    return true
  } catch (error) {
    if (error instanceof DebianError) return false
    throw error
  }
}

/**
 * Orders two versions as dpkg does: epoch, upstream version, revision; digits by value, letters before other
 * characters, a tilde before everything, the end included (deb-version(7), "Sorting algorithm"). Total on any text:
 * a malformed version is ordered by the same walk, never refused, because indexes hold such versions.
 */
export function compareVersions(left: DebVersion, right: DebVersion): -1 | 0 | 1 {
  if (left === right) return 0
  const one = splitVersion(left)
  const other = splitVersion(right)
  if (one.epoch !== other.epoch) return one.epoch < other.epoch ? -1 : 1
  return compareParts(one.upstream, other.upstream) || compareParts(one.revision, other.revision)
}

/** Tells whether a version meets a relation's operator and version; a relation without operator is met by any version. */
export function satisfies(
  version: DebVersion,
  operator: VersionOperator | undefined,
  wanted: DebVersion | undefined,
): boolean {
  if (operator === undefined || wanted === undefined) return true
  const order = compareVersions(version, wanted)
  switch (operator) {
    case '<<':
      return order < 0
    case '<=':
      return order <= 0
    case '=':
      return order === 0
    case '>=':
      return order >= 0
    case '>>':
      return order > 0
  }
}

/** Takes any text apart as `compareVersions` sees it: an epoch that is no number counts as 0. */
export function splitVersion(version: string): VersionParts {
  const colon = version.indexOf(':')
  const epoch = colon < 0 ? 0 : Number.parseInt(version.slice(0, colon), 10) || 0
  const rest = colon < 0 ? version : version.slice(colon + 1)
  const hyphen = rest.lastIndexOf('-')
  if (hyphen < 0) return { epoch, upstream: rest, revision: '' }
  return { epoch, upstream: rest.slice(0, hyphen), revision: rest.slice(hyphen + 1) }
}

/** The rank of a character outside digits; the end of the text and a digit rank 0, a tilde below, letters before the rest. */
function rank(code: number): number {
  if (Number.isNaN(code) || isDigit(code)) return 0
  if (code === 126) return -1
  const isLetter = (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
  return isLetter ? code : code + 256
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

function compareParts(left: string, right: string): -1 | 0 | 1 {
  let i = 0
  let j = 0
  while (i < left.length || j < right.length) {
    while ((i < left.length && !isDigit(left.charCodeAt(i))) || (j < right.length && !isDigit(right.charCodeAt(j)))) {
      const difference = rank(left.charCodeAt(i)) - rank(right.charCodeAt(j))
      if (difference !== 0) return difference < 0 ? -1 : 1
      i++
      j++
    }
    while (left.charCodeAt(i) === 48) i++
    while (right.charCodeAt(j) === 48) j++
    let first = 0
    while (isDigit(left.charCodeAt(i)) && isDigit(right.charCodeAt(j))) {
      first ||= left.charCodeAt(i) - right.charCodeAt(j)
      i++
      j++
    }
    if (isDigit(left.charCodeAt(i))) return 1
    if (isDigit(right.charCodeAt(j))) return -1
    if (first !== 0) return first < 0 ? -1 : 1
  }
  return 0
}
