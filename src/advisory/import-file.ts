import { hasMoreValues, messageOf } from '#core'
import { importAnnouncements } from './announcements.ts'
import { AdvisoryError } from './errors.ts'
import { importEpss, importKev } from './exploited.ts'
import { isIssueId, isRecord, listOf } from './fields.ts'
import { importOsv } from './osv.ts'
import type { AdvisoryKind, ImportedFile } from './records.ts'
import { importSupport } from './support.ts'
import { importTracker } from './tracker.ts'

/** What a file of advisory data is called, and what it is said to be; recognised by its content where that is left open. */
export interface ImportOptions {
  /** The file's own name, without folders: records are named by it, and some lists tell their release by it. */
  readonly file: string
  readonly kind?: AdvisoryKind
}

/**
 * Reads a file of advisory data, given as its text. Broken records are quarantined. Throws `ADVISORIES_INVALID` when the
 * file is no such data at all, or not of the kind that was asked for, and `ADVISORIES_LIMIT` when it has too many values or lines.
 */
export function importFile(text: string, options: ImportOptions): ImportedFile {
  return /^\s*\{\s*["}]/.test(text.slice(0, START)) ? importJson(text, options) : importText(text, options)
}

/** Characters at the start of a list in which its kind must show. */
const START = 1 << 16

/** How each list shows what it is. */
const LISTS: readonly (readonly [kind: AdvisoryKind, pattern: RegExp])[] = [
  ['epss', /^(?:#model_version:.*\n)?cve,epss,percentile\r?$/m],
  ['dsa', /^\[[0-9]{1,2} [A-Z][a-z]{2} [0-9]{4}\] DSA-[0-9]/m],
  ['dla', /^\[[0-9]{1,2} [A-Z][a-z]{2} [0-9]{4}\] DLA-[0-9]/m],
  ['support', /^# List of packages (?:whose security support ends|where security support is limited)/m],
]

function importText(text: string, { file, kind }: ImportOptions): ImportedFile {
  if (hasMoreLines(text, LINES)) throw limit(file, `it has more than ${LINES} lines`)
  const start = text.slice(0, START)
  const [recognised] = LISTS.find(([, pattern]) => pattern.test(start)) ?? []
  switch (accepted(recognised, { file, ...(kind === undefined ? {} : { kind }) })) {
    case 'dsa':
      return importAnnouncements(text, 'dsa', file)
    case 'dla':
      return importAnnouncements(text, 'dla', file)
    case 'epss':
      return importEpss(text, file)
    default:
      return importSupport(text, file)
  }
}

function importJson(text: string, options: ImportOptions): ImportedFile {
  const { file } = options
  if (hasMoreValues(text, VALUES)) throw limit(file, `it has more than ${VALUES} values`)
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (cause) {
    throw invalid(file, `it is no JSON: ${messageOf(cause)}`, cause)
  }
  if (!isRecord(document)) throw invalid(file, NOTHING_KNOWN)
  switch (accepted(kindOf(document), options)) {
    case 'kev':
      return importKev(document)
    case 'osv':
      return importOsv(document, file)
    default:
      return importTracker(document)
  }
}

/** Values that a document may have, about; the tracker's export has some two millions. */
const VALUES = 12_000_000
/** Lines that a list may have; EPSS has some three hundred thousand. */
const LINES = 3_000_000

function hasMoreLines(text: string, most: number): boolean {
  let count = 0
  for (let at = text.indexOf('\n'); at !== -1 && count <= most; at = text.indexOf('\n', at + 1)) count++
  return count > most
}

function kindOf(document: Readonly<Record<string, unknown>>): AdvisoryKind | undefined {
  if (typeof document['catalogVersion'] === 'string' && Array.isArray(document['vulnerabilities'])) return 'kev'
  if (typeof document['id'] === 'string' && ('modified' in document || listOf(document['affected']).length > 0)) {
    return 'osv'
  }
  const isTracker = Object.values(document).some(
    (issues) => isRecord(issues) && Object.entries(issues).some(([id, entry]) => isIssueId(id) && isRecord(entry)),
  )
  return isTracker ? 'tracker' : undefined
}

const NOTHING_KNOWN =
  'it is neither an export of the security tracker, a DSA or DLA list, KEV, EPSS, OSV nor a support list'

function accepted(recognised: AdvisoryKind | undefined, { file, kind }: ImportOptions): AdvisoryKind {
  if (recognised === undefined) throw invalid(file, kind === undefined ? NOTHING_KNOWN : `it is no ${kind} data`)
  if (kind !== undefined && kind !== recognised) throw invalid(file, `want ${kind} data, got ${recognised} data`)
  return recognised
}

function invalid(file: string, reason: string, cause?: unknown): AdvisoryError {
  return new AdvisoryError('ADVISORIES_INVALID', `cannot import ${file}: ${reason}`, { cause })
}

function limit(file: string, reason: string): AdvisoryError {
  return new AdvisoryError('ADVISORIES_LIMIT', `cannot import ${file}: ${reason}`)
}
