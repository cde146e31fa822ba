import type { NewPart } from './part.ts'
import type { Announcement, ImportedFile, OsvRecord, TrackerRecord } from './records.ts'
import { keyOf, type Line } from './section.ts'

/**
 * The lines of a part: every record under the key that it is asked for most, and lines without a record that lead there.
 * The first word of a key says what follows: `source` a source package, `cve` an issue, `id` an advisory, `package` an
 * OSV ecosystem and name.
 */
export function linesOfPart({ files }: NewPart): Line[] {
  return files.flatMap(linesOfFile)
}

function linesOfFile(file: ImportedFile): Line[] {
  switch (file.kind) {
    case 'tracker':
      return file.records.flatMap(trackerLines)
    case 'dsa':
    case 'dla':
      return file.records.flatMap(announcementLines)
    case 'kev':
    case 'epss':
      return file.records.map((record) => ({ key: keyOf('cve', record.cve), record }))
    case 'osv':
      return file.records.flatMap(osvLines)
    case 'support':
      return file.records.map((record) => ({ key: keyOf('source', record.source), record }))
  }
}

function trackerLines(record: TrackerRecord): Line[] {
  const { source, cve } = record
  return [{ key: keyOf('source', source, cve), record }, { key: keyOf('cve', cve, source) }]
}

function announcementLines(record: Announcement): Line[] {
  const { source, id, fixes, cves } = record
  const sources = new Set([...(source === undefined ? [] : [source]), ...fixes.map((fix) => fix.source)])
  return [
    { key: keyOf('id', id), record },
    ...[...sources].map((name) => ({ key: keyOf('source', name, id) })),
    ...[...new Set(cves)].map((cve) => ({ key: keyOf('cve', cve, id) })),
  ]
}

function osvLines(record: OsvRecord): Line[] {
  const { id, aliases, affected } = record
  const packages = new Set(affected.map(({ ecosystem, name }) => keyOf('package', ecosystem, name, id)))
  return [
    { key: keyOf('id', id), record },
    ...[...packages].map((key) => ({ key })),
    ...[...new Set([id, ...aliases])].map((alias) => ({ key: keyOf('cve', alias, id) })),
  ]
}
