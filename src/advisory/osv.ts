import { isDate, isRecord, listOf, textOf } from './fields.ts'
import { found, Quarantine } from './quarantine.ts'
import type { ImportedFile, OsvAffected, OsvRange, OsvRecord, OsvSeverity } from './records.ts'

const EVENTS = ['introduced', 'fixed', 'last_affected', 'limit'] as const

/** Characters that are kept of a text for people. */
const SUMMARY = 500

/**
 * Reads an OSV document (OSV schema 1.x): identity, aliases, severities and affected ranges. What is affected but cannot
 * be understood is quarantined and the rest goes in; a document without identity is quarantined whole.
 */
export function importOsv(document: Readonly<Record<string, unknown>>, file: string): ImportedFile {
  const quarantine = new Quarantine()
  const id = textOf(document['id'])
  const modified = textOf(document['modified'])
  if (id === undefined || !/^[A-Za-z0-9][\w.:+-]*$/.test(id)) quarantine.add(file, found(document['id'], '`id`'))
  else if (modified === undefined || !isDate(modified)) {
    quarantine.add(file, found(document['modified'], '`modified` as a date'))
  } else {
    const record: OsvRecord = {
      id,
      aliases: textsOf(document['aliases']),
      summary: (textOf(document['summary']) ?? textOf(document['details']) ?? '').slice(0, SUMMARY),
      modified,
      ...dateOf('published', document),
      ...dateOf('withdrawn', document),
      severity: severities(document['severity']),
      affected: affectedOf(document['affected'], file, quarantine),
      file,
    }
    return { kind: 'osv', records: [record], quarantined: quarantine.all, contentDate: modified }
  }
  return { kind: 'osv', records: [], quarantined: quarantine.all }
}

function affectedOf(value: unknown, file: string, quarantine: Quarantine): OsvAffected[] {
  const affected: OsvAffected[] = []
  for (const [index, entry] of listOf(value).entries()) {
    const read = packageOf(entry)
    if (typeof read === 'string') quarantine.add(`${file}: affected[${index}]`, read)
    else affected.push(read)
  }
  return affected
}

/** What is affected, or as text what is wrong with it: a range that is cut short would say less than the document. */
function packageOf(entry: unknown): OsvAffected | string {
  const { package: named, ranges, severity, versions } = isRecord(entry) ? entry : {}
  if (!isRecord(named)) return found(named, '`package`')
  const ecosystem = textOf(named['ecosystem'])
  const name = textOf(named['name'])
  if (ecosystem === undefined || ecosystem === '') return found(named['ecosystem'], '`package.ecosystem`')
  if (name === undefined || name === '') return found(named['name'], '`package.name`')
  const read = listOf(ranges).map(rangeOf)
  const fault = read.find((range) => typeof range === 'string')
  if (fault !== undefined) return fault
  const purl = textOf(named['purl'])
  return {
    ecosystem,
    name,
    ...(purl === undefined ? {} : { purl }),
    severity: severities(severity),
    ranges: read.filter((range) => typeof range !== 'string'),
    versions: textsOf(versions),
  }
}

function rangeOf(range: unknown): OsvRange | string {
  const { type, events, repo } = isRecord(range) ? range : {}
  const name = textOf(type)
  if (name === undefined) return found(type, '`ranges[].type`')
  const read = listOf(events).flatMap((event) =>
    EVENTS.flatMap((kind) => {
      const version = isRecord(event) ? textOf(event[kind]) : undefined
      return version === undefined ? [] : [{ kind, version }]
    }),
  )
  if (read.length === 0 || read.length < listOf(events).length) {
    return found(events, `\`ranges[].events\` as ${EVENTS.join(', ')}`)
  }
  const place = textOf(repo)
  return { type: name, ...(place === undefined ? {} : { repo: place }), events: read }
}

function severities(value: unknown): OsvSeverity[] {
  return listOf(value).flatMap((entry) => {
    const type = isRecord(entry) ? textOf(entry['type']) : undefined
    const score = isRecord(entry) ? textOf(entry['score']) : undefined
    return type === undefined || score === undefined ? [] : [{ type, score }]
  })
}

function textsOf(value: unknown): string[] {
  return listOf(value).flatMap((entry) => textOf(entry) ?? [])
}

function dateOf<Key extends string>(key: Key, document: Readonly<Record<string, unknown>>): { [K in Key]?: string } {
  const text = textOf(document[key])
  const found: { [K in Key]?: string } = {}
  if (text !== undefined && isDate(text)) found[key] = text
  return found
}
