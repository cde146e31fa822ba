import { PREDICATES } from '#attest'
import { canonicalJson, digestOf, hexOf, type Json } from '#core'
import { attachStatements } from '#evidence'
import type { OpenedImage } from '#oci'
import { hasPassed, type TestReport } from '#sandbox'
import { findSubjects, nameToSign } from './image-subjects.ts'
import { type SigningOptions, signatoryOf, signingNow } from './signatory.ts'

/** What was tested, and who says so. */
export interface TestedImage {
  readonly reference: string
  readonly image: OpenedImage
  /** The tests as the definition has them. */
  readonly tests: readonly unknown[]
  readonly signing: SigningOptions
  readonly signedAs?: string
}

/**
 * Signs what came of an image's tests and attaches it to the manifest that was tested. Rejects as `signatoryOf` and the
 * registry do.
 */
export async function attestReport(report: TestReport, tested: TestedImage): Promise<void> {
  const signatory = await signatoryOf(tested.signing)
  const image = await findSubjects(tested.reference)
  const { repository } = image
  try {
    const signedAs = nameToSign(image, tested.signedAs)
    const signing = signingNow({ repository, signatory, signedAs })
    const { mediaType, digest, size } = tested.image.manifestDocument.descriptor
    const predicate = testPredicate(report, tested.tests)
    await attachStatements({ mediaType, digest, size }, [{ predicateType: PREDICATES.test, predicate }], signing)
  } finally {
    await repository.close()
  }
}

/** A report as in-toto's predicate for test results, version 0.1: without times, so that the same result is the same statement. */
function testPredicate(report: TestReport, tests: readonly unknown[]): Json {
  const named = (isWanted: boolean) =>
    report.results.filter(({ verdict }) => (verdict.kind === 'passed') === isWanted).map(({ name }) => name)
  const declared = canonicalJson(JSON.parse(JSON.stringify(tests)))
  return {
    result: hasPassed(report) ? 'PASSED' : 'FAILED',
    configuration: [
      {
        name: 'tests of the definition, as canonical JSON',
        digest: { sha256: hexOf(digestOf(Buffer.from(declared))) },
        annotations: { sandbox: report.sandbox, platform: report.platform, notes: [...report.notes] },
      },
    ],
    passedTests: named(true),
    failedTests: named(false),
  }
}
