import { openArchive, searchFiles, searchPackages } from '#debian'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { placeOf } from './place.ts'
import { formatBytes, formatTable, type Terminal } from './terminal.ts'
import type { PlaceOptions } from './verb.ts'

/** The options of `casemate search`, as the command line gives them. */
export interface SearchOptions extends PlaceOptions {
  readonly archive: string
  readonly architecture: string
  readonly json?: boolean
}

/** Prints what is found; the status is "no" when nothing is. */
export async function runSearch(text: string, options: SearchOptions, terminal: Terminal): Promise<ExitStatus> {
  const { architecture, acceptExpired = false } = options
  const open = { ...(await placeOf(options)), archives: [options.archive], architecture, acceptExpired }
  const isFound = text.includes('/')
    ? await printFiles(text, open, options, terminal)
    : await printPackages(text, open, options, terminal)
  return isFound ? exitStatus.done : exitStatus.no
}

type Opening = Parameters<typeof openArchive>[0]

async function printPackages(
  text: string,
  open: Opening,
  options: SearchOptions,
  terminal: Terminal,
): Promise<boolean> {
  const archive = await openArchive(open)
  try {
    for (const notice of archive.notices) terminal.warn(notice)
    const found = searchPackages(archive.universe, text)
    if (options.json === true) {
      const rows = found.map(({ name, version, suite, installedSize, description }) => ({
        name,
        version,
        suite,
        installedSize,
        description,
      }))
      terminal.print(JSON.stringify(rows, null, 2))
    } else {
      const rows = found.map((one) => [one.name, one.version, formatBytes(one.installedSize), one.description])
      for (const line of formatTable(rows, { width: terminal.width, right: [2] })) terminal.print(line)
    }
    return found.length > 0
  } finally {
    archive.close()
  }
}

async function printFiles(path: string, open: Opening, options: SearchOptions, terminal: Terminal): Promise<boolean> {
  terminal.progress(`searching ${options.archive} for ${path} …`)
  const { matches, notices } = await searchFiles(path, open)
  for (const notice of notices) terminal.warn(notice)
  if (options.json === true) terminal.print(JSON.stringify(matches, null, 2))
  else {
    const rows = matches.map((match) => [match.packages.join(', '), match.path, match.suite])
    for (const line of formatTable(rows, { width: terminal.width })) terminal.print(line)
  }
  return matches.length > 0
}
