import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AdvisoryStore } from '#advisory'
import { openGateStore } from './gate-store.ts'
import { faultsOf, formatMeasure, type InstalledPackage, type Matcher, measure, productMatcher } from './measure.ts'
import { readTriples } from './triple.ts'

const triples = readTriples()
const store = openGateStore()

test('the matcher misses no labelled issue, and of its findings at least 99 in 100 are right', () => {
  const result = measure(triples, store, productMatcher)
  assert.deepEqual(faultsOf(result), [], formatMeasure(result))
})

/** The product's matcher over packages, or advisories, as a wrong reader would hand them on. */
const given =
  (
    packageOf: (each: InstalledPackage) => InstalledPackage,
    advisoriesOf: (advisories: AdvisoryStore) => AdvisoryStore = (advisories) => advisories,
  ): Matcher =>
  (packages, release, advisories) =>
    productMatcher(packages.map(packageOf), release, advisoriesOf(advisories))

const as = (each: InstalledPackage, source: Partial<InstalledPackage['source']>): InstalledPackage => ({
  ...each,
  source: { ...each.source, ...source },
})
const asIs = (each: InstalledPackage) => each
/** The store with an answer replaced; its own methods stay bound to it. */
const withAnswers = (advisories: AdvisoryStore, answers: Partial<AdvisoryStore>): AdvisoryStore => ({
  parts: advisories.parts,
  debianStatements: (source, release) => advisories.debianStatements(source, release),
  announcements: (source) => advisories.announcements(source),
  issue: (id) => advisories.issue(id),
  osv: (ecosystem, name) => advisories.osv(ecosystem, name),
  osvAbout: (id) => advisories.osvAbout(id),
  exploited: (cve) => advisories.exploited(cve),
  prediction: (cve) => advisories.prediction(cve),
  support: (source, release) => advisories.support(source, release),
  ...answers,
})

const broken: Readonly<Record<string, Matcher>> = {
  'takes the binary package’s version': given((each) => as(each, { version: each.version })),
  'looks for the binary package’s name': given((each) => as(each, { name: each.name })),
  'takes versions without their epoch, as file names have them': given((each) =>
    as(each, { version: each.source.version.replace(/^\d+:/, '') }),
  ),
  'takes a backport for the version that it is made of': given((each) =>
    as(each, { version: each.source.version.replace(/~deb\d+u\d+$/, '') }),
  ),
  'takes no-dsa for not affected': (packages, release, advisories) => {
    const matches = productMatcher(packages, release, advisories)
    const { settled } = matches
    const taken = matches.findings.filter(({ status }) => status === 'no-dsa')
    const findings = matches.findings.filter(({ status }) => status !== 'no-dsa')
    return {
      ...matches,
      findings,
      settled: [...settled, ...taken.map((each) => ({ ...each, reason: 'not-affected' as const }))],
    }
  },
  'drops what is unimportant': (packages, release, advisories) => {
    const matches = productMatcher(packages, release, advisories)
    return { ...matches, findings: matches.findings.filter(({ status }) => status !== 'unimportant') }
  },
  'knows no DLA': given(asIs, (advisories) =>
    withAnswers(advisories, {
      announcements: (source) => advisories.announcements(source).filter(({ id }) => !id.startsWith('DLA')),
    }),
  ),
  'knows no announcement without CVE': given(asIs, (advisories) =>
    withAnswers(advisories, {
      announcements: (source) => advisories.announcements(source).filter(({ cves }) => cves.length > 0),
    }),
  ),
  'knows announcements only': given(asIs, (advisories) => withAnswers(advisories, { debianStatements: () => [] })),
  'knows the tracker only': given(asIs, (advisories) => withAnswers(advisories, { announcements: () => [] })),
  'takes every release’s fixes for this one’s': given(asIs, (advisories) =>
    withAnswers(advisories, {
      announcements: (source) =>
        advisories.announcements(source).map((each) => ({
          ...each,
          fixes: each.fixes.flatMap((fix) => [fix, { ...fix, release: 'bookworm' }, { ...fix, release: 'bullseye' }]),
        })),
    }),
  ),
  'believes an old tracker against a newer announcement': given(asIs, (advisories) =>
    withAnswers(advisories, {
      parts: advisories.parts.map((part) => ({ ...part, contentDate: '2099-01-01T00:00:00Z' })),
    }),
  ),
}
for (const [fault, matcher] of Object.entries(broken)) {
  test(`the gate closes on a matcher that ${fault}`, () => {
    assert.notDeepEqual(faultsOf(measure(triples, store, matcher)), [])
  })
}
