import { parseYaml } from '#core'
import { AdvisoryError } from './errors.ts'
import { isRecord, listOf, textOf } from './fields.ts'
import { ADVISORY_KINDS, type AdvisoryKind } from './records.ts'

/** A file of advisory data and the place that has it. */
export interface SourceFile {
  /** What the file is called; some lists tell their release by it. */
  readonly name: string
  /** An `http://` or `https://` address, or the path of a file. */
  readonly place: string
}

/** All files that make one part of the store. */
export interface PartSource {
  readonly kind: AdvisoryKind
  readonly files: readonly SourceFile[]
}

/**
 * Reads the listing of publishers: under each kind the names and addresses of its files. Gives them in the order of the
 * listing. Throws `ADVISORY_SOURCE_INVALID` for anything that is not of this form.
 */
export function parsePublishers(text: string, path: string): PartSource[] {
  const document = parseYaml(text)
  if (!('value' in document)) throw invalid(path, document[0]?.message ?? 'it is no YAML')
  if (!isRecord(document.value)) throw invalid(path, 'want kinds with their files')
  return Object.entries(document.value).map(([kind, entries]) => {
    if (!isKind(kind)) throw invalid(path, `"${kind}" is none of ${ADVISORY_KINDS.join(', ')}`)
    const files = listOf(entries).map((entry) => {
      const name = isRecord(entry) ? textOf(entry['name']) : undefined
      const url = isRecord(entry) ? textOf(entry['url']) : undefined
      if (name === undefined || url === undefined || name.includes('/'))
        throw invalid(path, `want name and url in ${kind}`)
      return { name, place: checkedPlace(url, path) }
    })
    if (files.length === 0) throw invalid(path, `${kind} has no files`)
    return { kind, files }
  })
}

/**
 * Reads settings of the form `KIND=PLACE[,PLACE…]`, a place an address or a file, and puts them in place of what the
 * publishers' listing has for that kind. `setting` names where they stand. Throws `ADVISORY_SOURCE_INVALID`.
 */
export function withPlaces(
  sources: readonly PartSource[],
  settings: readonly string[],
  setting: string,
): readonly PartSource[] {
  const own = new Map<AdvisoryKind, SourceFile[]>()
  for (const text of settings) {
    const [, kind = '', places = ''] = /^([a-z]+)=(.+)$/s.exec(text) ?? []
    if (!isKind(kind)) {
      throw invalid(setting, `"${text}" is not KIND=URL or KIND=FILE, with a kind of ${ADVISORY_KINDS.join(', ')}`)
    }
    const files = places.split(',').filter((place) => place !== '')
    own.set(kind, [
      ...(own.get(kind) ?? []),
      ...files.map((place) => ({ name: nameOfPlace(place), place: checkedPlace(place, setting) })),
    ])
  }
  const listed = sources.map((source) => ({ ...source, files: own.get(source.kind) ?? source.files }))
  const more = [...own].filter(([kind]) => sources.every((source) => source.kind !== kind))
  return [...listed, ...more.map(([kind, files]) => ({ kind, files }))]
}

/** Tells whether a place is an address, and not a file. */
export function isAddress(place: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(place)
}

function checkedPlace(place: string, where: string): string {
  if (!isAddress(place)) return place
  const url = URL.parse(place)
  if (url === null || !/^https?:$/.test(url.protocol)) throw invalid(where, `"${place}" is no http(s) address`)
  // It would be stored as the origin, and printed.
  if (url.username !== '' || url.password !== '') throw invalid(where, `the address at ${url.host} holds a password`)
  return place
}

function nameOfPlace(place: string): string {
  const path = isAddress(place) ? (URL.parse(place)?.pathname ?? place) : place
  return path.split('/').at(-1) || 'index'
}

function isKind(text: string): text is AdvisoryKind {
  return ADVISORY_KINDS.some((kind) => kind === text)
}

function invalid(where: string, reason: string): AdvisoryError {
  return new AdvisoryError('ADVISORY_SOURCE_INVALID', `cannot read sources of advisories in ${where}: ${reason}`)
}
