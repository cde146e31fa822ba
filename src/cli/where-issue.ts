import type { OpenStore } from '#advisory'
import { type Finding, type IssueStanding, locateIssue, namesOfIssue, type SettledIssue, subjectOf } from '#match'
import { openScanStore } from './archive-evidence.ts'
import { findInImage, requireDebian } from './image-findings.ts'
import { label, severityText, statusText } from './scan-page.ts'
import { readScanned } from './scanned-inventory.ts'
import { holdAdvisories, stalePolicy } from './stale-advisories.ts'
import type { Terminal } from './terminal.ts'
import type { StaleOptions } from './verb.ts'
import type { Question } from './where-question.ts'

/** The forms that are known well enough to be taken in any case; Debian's package names have no capitals. */
const FORMS = /^(?:cve-[0-9]{4}-[0-9]{4,19}|ghsa(?:-[0-9a-z]{4}){3}|d[sl]a-[0-9]{1,6}(?:-[0-9]{1,6})?)$/i
/** Ids of other publishers: PYSEC-2024-1, GO-2024-1234, TEMP-…. */
const OTHERS = /^(?!CVE-|GHSA-)[A-Z][A-Z0-9]*-[A-Za-z0-9][A-Za-z0-9._:-]*$/

/** Gives the id of an issue as its publisher writes it; `undefined` for what is none. */
export function parseIssueId(text: string): string | undefined {
  if (!FORMS.test(text)) return OTHERS.test(text) ? text : undefined
  return /^ghsa/i.test(text) ? `GHSA${text.slice(4).toLowerCase()}` : text.toUpperCase()
}

/**
 * Asks which images have an issue, by the imported advisories, and which are known not to. Says loudly when these are old,
 * or none of them speaks of it. Throws `ADVISORY_STORE_MISSING` when nothing of Debian's was imported, and as `holdFresh`.
 */
export function issueQuestion(
  id: string,
  options: StaleOptions & { readonly platform: string },
  terminal: Pick<Terminal, 'warn'>,
): Question {
  const policy = stalePolicy(options)
  const store = openScanStore()
  try {
    requireDebian(store)
    holdAdvisories(store.parts, policy, terminal)
    const { names, isKnown } = namesOfIssue(id, store)
    if (!isKnown) {
      terminal.warn(`no advisory that was imported is about ${id}: that no image has it would mean nothing`)
    }
    return questionAbout(id, { names, store, platform: options.platform })
  } catch (error) {
    store.close()
    throw error
  }
}

function questionAbout(
  id: string,
  { names, store, platform }: { names: ReadonlySet<string>; store: OpenStore; platform: string },
): Question {
  return {
    kind: 'issue',
    what: id,
    head: ['package', 'installed', 'severity', 'status'],
    nothing: { findings: [], settled: [] },
    async ask(reference) {
      const inventory = await readScanned(reference, platform)
      const { findings, debian } = findInImage(inventory, store)
      const standing = locateIssue({ findings, settled: debian.settled }, names)
      return {
        digest: inventory.image.digest,
        has: standing.findings.length > 0,
        rows: rowsOf(standing, names.size > 1),
        found: { ...standing },
        faults: inventory.faults,
      }
    },
    close: () => store.close(),
  }
}

/** An announcement is about several issues: then each row says which. */
function rowsOf({ findings, settled }: IssueStanding, hasNames: boolean): readonly (readonly string[])[] {
  const named = (cve: string, text: string) => (hasNames ? `${cve}: ${text}` : text)
  return [
    ...findings.map((finding) => [
      label(finding),
      subjectOf(finding).version,
      [severityText(finding.ratings), ...(finding.isExploited ? ['exploited'] : [])].filter(Boolean).join(', '),
      named(finding.cve, standingText(finding)),
    ]),
    ...settled.map((issue) => [issue.source, issue.sourceVersion, '', named(issue.cve, settledText(issue))]),
  ]
}

function standingText(finding: Finding): string {
  return finding.fixedIn === undefined ? statusText(finding) : `fixed in ${finding.fixedIn}`
}

function settledText({ reason, evidence, note }: SettledIssue): string {
  if (reason === 'has-fix') return `has the fix: ${evidence.comparison ?? evidence.place}`
  return note === undefined ? 'not affected' : `not affected: ${note}`
}
