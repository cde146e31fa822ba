import { AdvisoryError } from './errors.ts'
import { Quarantine } from './quarantine.ts'
import type { AdvisoryKind, ImportedFile, PartRecords, Quarantined } from './records.ts'

/** A file of a part as its publisher offered it. */
export interface FetchedFile {
  readonly url: string
  /** SHA-256 of what was sent, in hex. */
  readonly digest: string
  readonly etag?: string
  readonly lastModified?: string
  /** When the publisher last confirmed it (ISO 8601). */
  readonly fetchedAt: string
}

/** What a store says of one of its parts. */
export interface PartState {
  readonly kind: AdvisoryKind
  /** The file that the part was read from, or the first one and how many more. */
  readonly origin: string
  /** SHA-256 over the files, in their order. */
  readonly digest: string
  readonly records: number
  readonly quarantined: Quarantined
  /** When the data were current (ISO 8601). */
  readonly contentDate: string
  /** Whether the data say their date themselves, or only the file's time of change does. */
  readonly dated: 'content' | 'file'
  /** When they were imported (ISO 8601). */
  readonly importedAt: string
  /** The files that came over the network; absent for a part that was imported from files. */
  readonly fetched?: readonly FetchedFile[]
}

/** A part that is to be stored: its state without what is counted, and the files that make it. */
export interface NewPart {
  readonly state: PartState
  readonly files: readonly ImportedFile[]
}

/** What is known of the files of one part beside their content. */
export interface PartOrigin {
  readonly names: readonly string[]
  readonly digest: string
  /** The newest time of change of the files, ISO 8601. */
  readonly changedAt: string
  readonly importedAt: string
  readonly fetched?: readonly FetchedFile[]
}

/** Makes one part of files of one kind. Throws `ADVISORIES_INVALID` when no record of them could be read. */
export function makePart(files: readonly ImportedFile[], origin: PartOrigin): NewPart {
  const quarantine = new Quarantine()
  let records = 0
  let contentDate = ''
  for (const file of files) {
    quarantine.addAll(file.quarantined)
    records += file.records.length
    if (file.contentDate !== undefined && file.contentDate > contentDate) contentDate = file.contentDate
  }
  const [kind] = files.map((file) => file.kind)
  const [name = ''] = origin.names
  const more = origin.names.length - 1
  const label = more === 0 ? name : `${name} and ${more} more`
  if (kind === undefined || records === 0) {
    const [broken] = quarantine.all.first
    const reason = broken === undefined ? 'there is none' : `the first is ${broken.place}: ${broken.reason}`
    throw new AdvisoryError('ADVISORIES_INVALID', `cannot import ${label}: no record of it can be read; ${reason}`)
  }
  const dated = contentDate === '' ? 'file' : 'content'
  const state: PartState = {
    kind,
    origin: label,
    digest: origin.digest,
    records,
    quarantined: quarantine.all,
    contentDate: contentDate === '' ? origin.changedAt : contentDate,
    dated,
    importedAt: origin.importedAt,
    ...(origin.fetched === undefined || origin.fetched.length === 0 ? {} : { fetched: origin.fetched }),
  }
  return { state, files }
}

const DAY = 86_400_000

/** After how many days each part is called stale: how often its publisher renews it, and some patience. */
export const STALE_DAYS: Readonly<Record<AdvisoryKind, number>> = {
  tracker: 3,
  dsa: 10,
  dla: 10,
  kev: 14,
  epss: 4,
  osv: 14,
  support: 180,
}

/** The age of a part's data in days, at a moment in milliseconds since the epoch; never below 0. */
export function ageOf(part: PartState, now: number): number {
  return Math.max(0, (now - Date.parse(part.contentDate)) / DAY)
}

/** Tells whether a part's data bear a date that lies ahead of our clock, by more than clocks and time zones differ. */
export function isAhead(part: PartState, now: number): boolean {
  return Date.parse(part.contentDate) > now + DAY
}

/** Tells whether a part's data are older than `maxAge` days, `STALE_DAYS` unless given, or of an age that cannot be told. */
export function isStale(part: PartState, now: number, maxAge: number = STALE_DAYS[part.kind]): boolean {
  return isAhead(part, now) || !(ageOf(part, now) <= maxAge)
}

/** The records of one kind, as type. */
export type RecordOf<Kind extends AdvisoryKind> = Extract<PartRecords, { kind: Kind }>['records'][number]
