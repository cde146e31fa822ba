import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What is true of a package, a version and an issue. Findings are named by the words of Debian's tracker; `fixed` means
 * that a fix is out and the installed version is older, `has-fix` that the installed version has it.
 */
export const LABELS = [
  'fixed',
  'open',
  'end-of-life',
  'undetermined',
  'postponed',
  'no-dsa',
  'ignored',
  'unimportant',
  'not-affected',
  'has-fix',
] as const

/** One of `LABELS`. */
export type Label = (typeof LABELS)[number]

/** What makes a triple easy to get wrong. */
export const TRAPS = [
  'backport-tilde',
  'rebuild',
  'several-sources',
  'no-cve',
  'point-release',
  'dla-after-dsa',
  'unimportant',
  'no-dsa',
  'not-affected',
  'end-of-life',
  'epoch',
  'dfsg',
  'release-candidate',
  'source-name',
  'source-version',
  'several-fixes',
  'several-releases',
  'removed',
  'temporary-name',
  'unstable-only',
  'stale-tracker',
] as const

/** One of `TRAPS`. */
export type Trap = (typeof TRAPS)[number]

/** One labelled package, version and issue: a line of `labels.jsonl`. */
export interface Triple {
  readonly release: string
  /** Of the source package. */
  readonly source: string
  readonly version: string
  readonly binary: string
  readonly binaryVersion: string
  /** A CVE, a temporary name of the tracker, or the announcement's own id where it names no CVE. */
  readonly issue: string
  readonly label: Label
  /** With `fixed` and `has-fix`, where a fix is named. */
  readonly fixedIn?: string
  /** The line that proves the label, without the white space around it. */
  readonly quote: string
  /** Its file and line; a file inside a package is named behind the package's own name. */
  readonly from: string
  /** Where the version is from: the suite that has it today, or the changelog that has it as an earlier one. */
  readonly installedFrom: string
  readonly traps: readonly Trap[]
}

/** The labelled triples, as they are kept. */
export function readTriples(): readonly Triple[] {
  const lines = readFileSync(join(import.meta.dirname, 'labels.jsonl'), 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line): Triple => JSON.parse(line))
}
