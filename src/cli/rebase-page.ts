import type { Digest } from '#core'
import type { PackageStep, Refusal } from '#rebase'
import type { Written } from './outputs.ts'
import type { PlatformAnswer } from './rebase-image.ts'
import { cutText, formatBytes, formatTable, type Terminal } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** What became of a rebase. */
export interface RebaseReport {
  readonly reference: string
  readonly onto: string
  readonly answers: readonly PlatformAnswer[]
  readonly written: readonly Written[]
  /** Of the result; absent where there is none. */
  readonly digest?: Digest
}

/** Reasons of one kind beyond which people read no more; `--json` has them all. */
const MOST_OF_A_KIND = 12
const MOST_PACKAGES = 8
const MOST_NOTICES = 12

/** Prints what was done, or could be, or every reason why not. */
export function printRebase(
  report: RebaseReport,
  { check = false, json = false }: { readonly check?: boolean; readonly json?: boolean },
  terminal: Terminal,
): void {
  if (json) {
    terminal.print(JSON.stringify(documentOf(report, check), null, 2))
    return
  }
  const { answers, digest, written } = report
  for (const { platform, refusals, summary, isThere } of answers) {
    const good = isThere === true ? 'is on that base already' : 'can be rebased'
    const title = refusals.length === 0 ? good : `not rebased, for ${count(refusals.length, 'reason')}`
    const style = refusals.length === 0 ? 'green' : 'red'
    terminal.print(`${terminal.style('bold', platform)}  ${terminal.style(style, title)}`)
    for (const line of refusalLines(refusals, terminal.width)) terminal.print(line)
    if (summary === undefined || isThere === true) continue
    const { old, next, own } = summary.layers
    const rows = [
      ['layers', `${old} of the base give way to ${next}; ${own} of the application stay as they are`],
      ['packages', packagesLine(summary.packages)],
    ]
    for (const line of formatTable(rows, { width: terminal.width })) terminal.print(`  ${visibleText(line)}`)
    for (const notice of summary.notices.slice(0, MOST_NOTICES)) terminal.warn(visibleText(notice))
    const hidden = summary.notices.length - MOST_NOTICES
    if (hidden > 0) terminal.warn(`and ${hidden} more of the kind, see --json`)
  }
  for (const { place, pushed } of written) {
    const sent =
      pushed === undefined ? '' : `, ${formatBytes(pushed.uploadedBytes)} sent, ${pushed.blobs.mounted} blobs mounted`
    terminal.print(`${terminal.style('green', 'rebased')}  ${terminal.style('bold', visibleText(place))}${sent}`)
  }
  if (digest !== undefined) terminal.print(`digest   ${digest}`)
}

function refusalLines(refusals: readonly Refusal[], width: number): string[] {
  const kinds = Map.groupBy(refusals, ({ code }) => code)
  return [...kinds].flatMap(([code, ofKind]) => {
    const shown = ofKind
      .slice(0, MOST_OF_A_KIND)
      .flatMap(({ subject, application, base }) => [
        `    ${subject}`,
        `      application  ${application}`,
        `      base         ${base}`,
      ])
    const hidden = ofKind.length - MOST_OF_A_KIND
    const more = hidden > 0 ? [`    and ${hidden} more, see --json`] : []
    const remedies = [...new Set(ofKind.map(({ remedy }) => `    way out: ${remedy}`))]
    return [`  ${code}`, ...shown, ...more, ...remedies].map((line) => cutText(visibleText(line), width))
  })
}

function packagesLine(packages: readonly PackageStep[]): string {
  if (packages.length === 0) return 'none changed'
  const shown = packages
    .slice(0, MOST_PACKAGES)
    .map(({ name, from, to }) => `${name} ${from ?? 'none'} → ${to ?? 'none'}`)
  return `${packages.length} changed: ${shown.join(', ')}${packages.length > MOST_PACKAGES ? ', …' : ''}`
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

function documentOf({ reference, onto, answers, written, digest }: RebaseReport, check: boolean) {
  return {
    schema: 'casemate.rebase/v1',
    reference,
    onto,
    possible: answers.every(({ refusals }) => refusals.length === 0),
    written: !check && written.length > 0,
    ...(digest === undefined ? {} : { digest }),
    outputs: written.map(({ place }) => place),
    platforms: answers.map(({ platform, refusals, summary, result, isThere }) => ({
      platform,
      refusals,
      isThere: isThere === true,
      ...(summary === undefined ? {} : summary),
      ...(result === undefined ? {} : { manifest: result.image.manifest.descriptor.digest }),
    })),
  }
}
