import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Where the folder of advisory data is named. */
export const DATA_VARIABLE = 'CASEMATE_ADVISORY_DATA'

/** A folder with what is imported of it: names of files, or how they begin. */
type Content = readonly [folder: string, starts: readonly string[]]

const TRACKER: Content = ['debian-tracker', ['export-resolved-only.json', 'export-sample.json']]
const CONTENT: readonly Content[] = [
  TRACKER,
  ['debian-advisories', ['DSA-list', 'DLA-list']],
  ['debian-support', ['security-support-ended.deb', 'security-support-limited']],
  ['kev', ['known_exploited_vulnerabilities.json']],
  ['osv', ['']],
]

/**
 * The files and folders to import of a folder of advisory data: the Debian security tracker's exports, lists of
 * announcements, support lists, KEV and OSV documents, each in a folder of its own. The folder is `given`, or what
 * CASEMATE_ADVISORY_DATA names. Throws when it is not there, or lacks a part.
 */
export function advisoryFiles(given: string | undefined): readonly string[] {
  return CONTENT.flatMap((content) => filesOf(given, content))
}

/** Of these, the exports of the tracker. */
export function trackerExports(given: string | undefined): readonly string[] {
  return filesOf(given, TRACKER)
}

function filesOf(given: string | undefined, [folder, starts]: Content): readonly string[] {
  const data = given ?? process.env[DATA_VARIABLE]
  if (data === undefined) {
    throw new Error(`cannot find advisory data: give the folder as an argument, or in ${DATA_VARIABLE}`)
  }
  const path = join(data, folder)
  const names = existsSync(path) ? readdirSync(path).sort() : []
  const files = names.filter((name) => starts.some((start) => name.startsWith(start)))
  if (files.length === 0) throw new Error(`cannot import advisory data: ${path} has no ${starts.join(', ')}`)
  return files.map((name) => join(path, name))
}
