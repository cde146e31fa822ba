import { PREDICATES, predicateName } from '#attest'
import { type Judgement, refusals } from '#evidence'
import type { Established, FactRecord } from '../fact-shapes.ts'

/** The evidence of an image: what is attached to what its tag names, and to the platform's own manifest; both may be one. */
export interface JudgedImage {
  readonly top: Judgement
  readonly manifest: Judgement
}

/** What is said of an image for which nobody was named to believe. */
export const EVIDENCE_NOT_ASKED: FactRecord<'Evidence'> = { asked: false, refusals: [], statements: [], refused: [] }

/**
 * Evidence as expressions see it. An index names its manifests by digest: who has signed it has signed them; statements count
 * where they are about either.
 */
export function evidenceFacts({ top, manifest }: JudgedImage): FactRecord<'Evidence'> {
  const both = top.subject === manifest.subject ? [top] : [top, manifest]
  const types = both.flatMap(({ statements }) => statements.map(({ statement }) => statement.predicateType))
  return {
    asked: true,
    refusals: refusals(top, { predicateTypes: [] }).map(({ message }) => message),
    statements: [...new Set(types.map(predicateName))].sort(),
    refused: both.flatMap(({ refused }) => refused.map(({ place, reason }) => `${place}: ${reason}`)),
  }
}

/**
 * What believed statements say of the tests of this manifest (in-toto's test-result, 0.1). One is attached in two forms and counts
 * once; of several that differ all count, so that a failure is not hidden by running the tests again.
 */
export function testFacts({ manifest }: Pick<JudgedImage, 'manifest'>): Established<FactRecord<'Tests'>> {
  const results = new Map<string, FactRecord<'Tests'>>()
  for (const { statement } of manifest.statements) {
    if (statement.predicateType !== PREDICATES.test) continue
    const result = resultOf(statement.predicate)
    if (result === undefined) return { known: false, reason: 'an attached test result is not of the form of its type' }
    results.set(JSON.stringify(statement.predicate), result)
  }
  const all = [...results.values()]
  if (all.length === 0) return { known: false, reason: 'no believed test result is attached to the image' }
  const failed = [...new Set(all.flatMap((result) => result.failed))]
  const count = Math.max(...all.map((result) => result.count))
  return { known: true, value: { passed: count > 0 && all.every(({ passed }) => passed), failed, count } }
}

function resultOf(predicate: unknown): FactRecord<'Tests'> | undefined {
  if (typeof predicate !== 'object' || predicate === null) return undefined
  const members = new Map<string, unknown>(Object.entries(predicate))
  const [passed, failed] = [textsOf(members.get('passedTests')), textsOf(members.get('failedTests'))]
  const result = members.get('result')
  if (typeof result !== 'string' || passed === undefined || failed === undefined) return undefined
  return { passed: result === 'PASSED' && failed.length === 0, failed, count: passed.length + failed.length }
}

function textsOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((text) => typeof text === 'string') ? value : undefined
}
