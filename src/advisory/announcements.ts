import { isVersion } from '#debian'
import { isCodename, isDate, isIssueId, isSourceName } from './fields.ts'
import { found, printable, Quarantine } from './quarantine.ts'
import type { AnnouncedFix, Announcement, ImportedFile } from './records.ts'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const HEAD = /^\[([0-9]{1,2}) ([A-Z][a-z]{2}) ([0-9]{4})\] (D[SL]A-[0-9]+(?:-[0-9]+)?) +(.+)$/
const FIX = /^(?:\[([^\]\s]+)\] +)?- +(\S+) +(?:<([a-z-]+)>|(\S+))(?:\s+\(.*)?$/

/** Characters that are kept of a title. */
const TITLE = 500

interface OpenAnnouncement extends Announcement {
  readonly cves: string[]
  readonly fixes: AnnouncedFix[]
}

/**
 * Reads a list of announcements in the tracker's own syntax (`DSA-list`, `DLA-list`): a head with date, number and
 * package, and behind it, indented, CVEs in braces and a line per release. Notes are skipped. A line that cannot be
 * understood is quarantined by its number; the other lines of its announcement stay.
 */
export function importAnnouncements(text: string, kind: 'dsa' | 'dla', file: string): ImportedFile {
  const quarantine = new Quarantine()
  const records: OpenAnnouncement[] = []
  let current: OpenAnnouncement | undefined
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const place = `${file}:${index + 1}`
    if (/^\s/.test(line)) {
      const fault = current === undefined ? 'a line that belongs to no announcement' : addDetail(current, line.trim())
      if (fault !== undefined) quarantine.add(place, fault)
      continue
    }
    current = headOf(line, index + 1)
    if (current === undefined || !current.id.startsWith(kind.toUpperCase())) {
      quarantine.add(place, found(line, `"[day month year] ${kind.toUpperCase()}-number package - title"`))
      current = undefined
    } else records.push(current)
  }
  const contentDate = records.reduce((newest, { date }) => (date > newest ? date : newest), '')
  return { kind, records, quarantined: quarantine.all, ...(contentDate === '' ? {} : { contentDate }) }
}

function headOf(line: string, number: number): OpenAnnouncement | undefined {
  const [, day = '', monthName = '', year = '', id = '', rest = ''] = HEAD.exec(line) ?? []
  const month = MONTHS.indexOf(monthName) + 1
  const date = `${year}-${String(month).padStart(2, '0')}-${day.padStart(2, '0')}`
  if (id === '' || !isDate(date)) return undefined
  const [, source = '', title = ''] = /^(\S+)(?:\s+- (.*))?$/.exec(rest) ?? []
  const about = isSourceName(source) ? { source, title: titleOf(title) } : { title: titleOf(rest) }
  return { id, date, ...about, cves: [], fixes: [], line: number }
}

function titleOf(text: string): string {
  return printable(text.slice(0, TITLE))
}

/** Adds a line to its announcement, or says what is wrong with it. */
function addDetail(announcement: OpenAnnouncement, line: string): string | undefined {
  if (/^(?:NOTE|TODO):/.test(line)) return undefined
  const list = /^\{(.*)\}$/.exec(line)?.[1]
  if (list !== undefined) {
    const names = list.split(/\s+/).filter((name) => name !== '')
    announcement.cves.push(...names.filter(isIssueId))
    const other = names.find((name) => !isIssueId(name))
    return other === undefined ? undefined : found(other, 'a CVE')
  }
  const [matched, release = 'sid', source = '', word, version] = FIX.exec(line) ?? []
  if (matched === undefined || !isCodename(release) || !isSourceName(source)) {
    return found(line, '"[release] - package version"')
  }
  if (word !== undefined) announcement.fixes.push({ release, source, word })
  else if (version !== undefined && isVersion(version)) announcement.fixes.push({ release, source, version })
  else return found(version, 'a version')
  return undefined
}
