import { isVersion } from '#debian'
import { AdvisoryError } from './errors.ts'
import { isDate } from './fields.ts'
import { found, printable, Quarantine } from './quarantine.ts'
import type { ImportedFile, SupportNotice } from './records.ts'

/** Debian's releases by number, as the names of these lists end: `security-support-ended.deb12`. */
const CODENAMES: Readonly<Record<string, string>> = {
  7: 'wheezy',
  8: 'jessie',
  9: 'stretch',
  10: 'buster',
  11: 'bullseye',
  12: 'bookworm',
  13: 'trixie',
  14: 'forky',
  15: 'duke',
}

/**
 * Reads a list of debian-security-support. One of packages whose support ended tells its release by its name, one of
 * packages with limited support holds for every release. A line that cannot be understood is quarantined by its number.
 * Throws `ADVISORIES_INVALID` when a list of ended support is named after no release.
 */
export function importSupport(text: string, file: string): ImportedFile {
  const isEnded = /^# .*security support ends/m.test(text)
  const release = CODENAMES[/\.deb([0-9]+)$/.exec(file)?.[1] ?? '']
  if (isEnded && release === undefined) {
    const reason = 'its name does not end in a release that is known, such as .deb12'
    throw new AdvisoryError('ADVISORIES_INVALID', `cannot import ${file}: ${reason}`)
  }
  const quarantine = new Quarantine()
  const records: SupportNotice[] = []
  for (const [index, raw] of text.split('\n').entries()) {
    const line = printable(raw).trim()
    if (line === '' || line.startsWith('#')) continue
    const place = `${file}:${index + 1}`
    const read = isEnded ? endedOf(line, place) : limitedOf(line, place)
    if (read === undefined) quarantine.add(place, found(line, isEnded ? '"package version date …"' : '"package …"'))
    else records.push(release === undefined || !isEnded ? read : { ...read, release })
  }
  return { kind: 'support', records, quarantined: quarantine.all }
}

/** A source package's name, at most one `.*` in it: the lists need no more, and it cannot run away. */
const NAME = /^[a-z0-9][a-z0-9+.-]*(?:\.\*[a-z0-9+.-]*)?$/

function endedOf(line: string, place: string): SupportNotice | undefined {
  const [, source = '', lastVersion = '', date = '', note = ''] = /^(\S+)\s+(\S+)\s+(\S+)\s*(.*)$/.exec(line) ?? []
  if (!NAME.test(source) || !isVersion(lastVersion) || !isDate(date)) return undefined
  return { support: 'ended', source, lastVersion, date, note, place }
}

function limitedOf(line: string, place: string): SupportNotice | undefined {
  const [, source = '', note = ''] = /^(\S+)\s*(.*)$/.exec(line) ?? []
  return NAME.test(source) ? { support: 'limited', source, note, place } : undefined
}

/** Tells whether a notice is about a source package in a release. */
export function isNoticeFor(notice: SupportNotice, source: string, release: string | undefined): boolean {
  if (notice.release !== undefined && release !== undefined && notice.release !== release) return false
  if (!notice.source.includes('*')) return notice.source === source
  const [start = '', end = ''] = notice.source.split('.*')
  return source.length >= start.length + end.length && source.startsWith(start) && source.endsWith(end)
}
