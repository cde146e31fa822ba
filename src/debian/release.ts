import { type Digest, digestFromHex } from '#core'
import { DebianError } from './errors.ts'
import { parseStanza, type Stanza } from './stanza.ts'

/** A file that a Release file lists under SHA256. */
export interface ReleaseFile {
  /** Below the suite's folder, e.g. `main/binary-amd64/Packages.xz`. */
  readonly path: string
  readonly size: number
  readonly digest: Digest
}

/** What a suite's Release file says. Its text counts for nothing until `verifySuite` has checked it. */
export interface Release {
  readonly origin?: string
  readonly label?: string
  readonly suite?: string
  readonly codename?: string
  readonly version?: string
  readonly date: Date
  readonly validUntil?: Date
  /** Whether files can be fetched by digest, `by-hash/SHA256/…`, so that a mirror's update does not tear them. */
  readonly byHash: boolean
  readonly architectures: readonly string[]
  /** Whether `binary-ARCH` indexes hold the packages of architecture `all` too. */
  readonly indexesHoldAll: boolean
  readonly files: ReadonlyMap<string, ReleaseFile>
}

/** Reads a Release file. Throws `SUITE_INVALID`: a missing Date, no SHA256, or a path that leaves the suite's folder. */
export function parseRelease(text: string, origin: string): Release {
  if (/\n\n+[^\n]/.test(text)) throw invalid(origin, 'it has more than one paragraph')
  const stanza = releaseStanza(text, origin)
  const architectures = words(stanza.get('architectures'))
  const validUntil = stanza.get('valid-until')
  const holdsAll = words(stanza.get('no-support-for-architecture-all')).includes('Packages')
  return {
    ...optional('origin', stanza.get('origin')),
    ...optional('label', stanza.get('label')),
    ...optional('suite', stanza.get('suite')),
    ...optional('codename', stanza.get('codename')),
    ...optional('version', stanza.get('version')),
    date: parseDate(stanza.get('date'), 'Date', origin),
    ...(validUntil === undefined ? {} : { validUntil: parseDate(validUntil, 'Valid-Until', origin) }),
    byHash: stanza.get('acquire-by-hash') === 'yes',
    architectures,
    indexesHoldAll: holdsAll || !architectures.includes('all'),
    files: parseFiles(stanza.get('sha256'), origin),
  }
}

function releaseStanza(text: string, origin: string): Stanza {
  try {
    return parseStanza(text, origin)
  } catch (cause) {
    if (!(cause instanceof DebianError)) throw cause
    throw new DebianError('SUITE_INVALID', cause.message, { cause })
  }
}

function parseFiles(field: string | undefined, origin: string): Map<string, ReleaseFile> {
  if (field === undefined) throw invalid(origin, 'it lists no SHA256; weaker digests are not accepted')
  const files = new Map<string, ReleaseFile>()
  for (const line of field.split('\n')) {
    if (line.trim() === '') continue
    const match = /^\s*([0-9a-f]{64})\s+([0-9]{1,15})\s+(\S+)$/.exec(line)
    if (match === null) throw invalid(origin, `SHA256 line "${line.slice(0, 200)}" is not "digest size path"`)
    const [, hex = '', size = '', path = ''] = match
    if (!/^[A-Za-z0-9+.~_:@%/-]+$/.test(path) || path.split('/').some((part) => /^\.{0,2}$/.test(part))) {
      throw invalid(origin, `path "${path.slice(0, 200)}" is no plain path below the suite's folder`)
    }
    const file = { path, size: Number(size), digest: digestFromHex(hex) }
    const known = files.get(path)
    if (known !== undefined && known.digest !== file.digest) throw invalid(origin, `"${path}" has two digests`)
    files.set(path, file)
  }
  return files
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Dates are UTC in the form of RFC 2822, as the repository format asks; anything else is refused, never guessed. */
function parseDate(text: string | undefined, field: string, origin: string): Date {
  const match =
    /^(?:[A-Z][a-z]{2}, )?\s*(\d{1,2}) ([A-Z][a-z]{2}) (\d{4})\s+(\d{1,2}):(\d{2}):(\d{2}) (?:UTC|GMT|Z|[+-]0000)$/.exec(
      text ?? '',
    )
  const month = MONTHS.indexOf(match?.[2] ?? '')
  if (match === null || month < 0) {
    throw invalid(origin, `${field} "${text ?? ''}" is no date in UTC such as "Sat, 12 Sep 2026 07:55:41 UTC"`)
  }
  const [, day, , year, hour, minute, second] = match.map(Number)
  return new Date(Date.UTC(year ?? 0, month, day, hour, minute, second))
}

function optional<Key extends string>(key: Key, value: string | undefined): { [K in Key]?: string } {
  const part: { [K in Key]?: string } = {}
  if (value !== undefined && value !== '') part[key] = value
  return part
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '')
}

function invalid(origin: string, reason: string): DebianError {
  return new DebianError('SUITE_INVALID', `cannot read ${origin}: ${reason}`)
}
