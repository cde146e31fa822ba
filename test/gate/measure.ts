import type { AdvisoryStore } from '#advisory'
import { matchPackages } from '#match'
import type { Label, Triple } from './triple.ts'

/** What a matcher is given of an installed package; `version` is the binary package's own, which must not matter. */
export interface InstalledPackage {
  readonly name: string
  readonly version: string
  readonly source: { readonly name: string; readonly version: string }
}

/** The matcher under judgement, or a variant of it that is broken on purpose. */
export type Matcher = (
  packages: readonly InstalledPackage[],
  release: string,
  advisories: AdvisoryStore,
) => ReturnType<typeof matchPackages>

/** What a matcher said of a triple; `silent` when it has nothing on the issue at all. */
export interface Judgement {
  readonly triple: Triple
  readonly said: Label | 'silent'
  readonly fixedIn?: string
}

/** How a matcher did. A finding is right when its word is, and the version that it names as the fix. */
export interface Measure {
  readonly judgements: readonly Judgement[]
  /** Issues that a package has and the matcher did not find. */
  readonly falseNegatives: readonly Judgement[]
  readonly wrongFindings: readonly Judgement[]
  /** The share of findings that are right, from 0 to 1. */
  readonly precision: number
  /** Packages that are rightly without finding, for the wrong reason. */
  readonly wrongReasons: readonly Judgement[]
}

/** What precision must not fall below. */
export const PRECISION = 0.99

/** Runs a matcher over every triple and holds what it says against the labels. */
export function measure(triples: readonly Triple[], advisories: AdvisoryStore, matcher: Matcher): Measure {
  const judgements = triples.map((triple) => judge(triple, advisories, matcher))
  const findings = judgements.filter(({ said }) => isFinding(said))
  const wrongFindings = findings.filter(
    ({ triple, said, fixedIn }) => said !== triple.label || fixedIn !== (said === 'fixed' ? triple.fixedIn : undefined),
  )
  const rest = judgements.filter(({ said }) => !isFinding(said))
  return {
    judgements,
    falseNegatives: rest.filter(({ triple }) => isFinding(triple.label)),
    wrongFindings,
    precision: findings.length === 0 ? 0 : 1 - wrongFindings.length / findings.length,
    wrongReasons: rest.filter(({ triple, said }) => !isFinding(triple.label) && said !== triple.label),
  }
}

/** Why the gate is closed, in a sentence each; empty when it is open. */
export function faultsOf({ falseNegatives, precision, wrongReasons }: Measure): readonly string[] {
  return [
    ...(falseNegatives.length > 0 ? [`${falseNegatives.length} issues were not found, want none`] : []),
    ...(precision < PRECISION ? [`precision is ${(100 * precision).toFixed(2)} %, want ${100 * PRECISION} %`] : []),
    ...(wrongReasons.length > 0 ? [`${wrongReasons.length} packages are without finding for a wrong reason`] : []),
  ]
}

function judge(triple: Triple, advisories: AdvisoryStore, matcher: Matcher): Judgement {
  const { release, source, version, binary, binaryVersion, issue } = triple
  const packages = [{ name: binary, version: binaryVersion, source: { name: source, version } }]
  const isMeant = (each: { readonly cve: string; readonly source: string }) =>
    each.cve === issue && each.source === source
  const { findings, settled } = matcher(packages, release, advisories)
  const finding = findings.find(isMeant)
  if (finding !== undefined) {
    return { triple, said: finding.status, ...(finding.fixedIn === undefined ? {} : { fixedIn: finding.fixedIn }) }
  }
  return { triple, said: settled.find(isMeant)?.reason ?? 'silent' }
}

function isFinding(word: Label | 'silent'): boolean {
  return word !== 'has-fix' && word !== 'not-affected' && word !== 'silent'
}

/** What was said of what, by label and by trap, and every judgement that is wrong: for people. */
export function formatMeasure(result: Measure): string {
  const wrong = new Set([...result.falseNegatives, ...result.wrongFindings, ...result.wrongReasons])
  const groups = (keysOf: (judgement: Judgement) => readonly string[]) => {
    const counts = new Map<string, { all: number; wrong: number }>()
    for (const judgement of result.judgements) {
      for (const key of keysOf(judgement)) {
        const count = counts.get(key) ?? { all: 0, wrong: 0 }
        counts.set(key, { all: count.all + 1, wrong: count.wrong + Number(wrong.has(judgement)) })
      }
    }
    return [...counts].sort().map(([key, count]) => `  ${key.padEnd(32)}${count.all} triples, ${count.wrong} wrong`)
  }
  return [
    `${result.judgements.length} triples, ${result.falseNegatives.length} not found, precision ${(100 * result.precision).toFixed(2)} %`,
    'label → said:',
    ...groups(({ triple, said }) => [`${triple.label} → ${said}`]),
    'by trap:',
    ...groups(({ triple }) => triple.traps),
    'wrong:',
    ...[...wrong].slice(0, 40).map(formatJudgement),
  ].join('\n')
}

function formatJudgement({ triple, said, fixedIn = '' }: Judgement): string {
  const { release, source, version, issue, label, fixedIn: fix = '', quote, from } = triple
  return `  ${release} ${source} ${version} ${issue}: want ${label} ${fix}, got ${said} ${fixedIn} (${from}: ${quote})`
}

/** The product's own matcher. */
export const productMatcher: Matcher = (packages, release, advisories) => matchPackages(packages, release, advisories)
