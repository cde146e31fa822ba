import { PREDICATES } from '#attest'
import { canonicalJson, digestOf, hexOf, type Json } from '#core'
import { attachStatements } from '#evidence'
import type { OpenedImage } from '#oci'
import { hasPassed, type TestReport } from '#sandbox'
import { findSubjects, type ImageSubjects, nameToSign } from './image-subjects.ts'
import { type SigningOptions, signatoryOf, signingNow } from './signatory.ts'

/** What was tested, and who says so. */
export interface TestedImage {
  readonly reference: string
  readonly image: OpenedImage
  /** What the tests stand in, each as a value, by name. */
  readonly sources: readonly { readonly name: string; readonly value: unknown }[]
  readonly signing: SigningOptions
  readonly signedAs?: string
  /** The image in its repository, where that need not be looked for. */
  readonly subjects?: ImageSubjects
}

/**
 * Signs what came of an image's tests and attaches it to the manifest that was tested. Rejects as `signatoryOf` and the
 * registry do.
 */
export async function attestReport(report: TestReport, tested: TestedImage): Promise<void> {
  const signatory = await signatoryOf(tested.signing)
  const image = tested.subjects ?? (await findSubjects(tested.reference))
  const { repository } = image
  try {
    const signedAs = nameToSign(image, tested.signedAs)
    const signing = signingNow({ repository, signatory, signedAs })
    const { mediaType, digest, size } = tested.image.manifestDocument.descriptor
    const predicate = testPredicate(report, tested.sources)
    await attachStatements({ mediaType, digest, size }, [{ predicateType: PREDICATES.test, predicate }], signing)
  } finally {
    await repository.close()
  }
}

/** A report as in-toto's predicate for test results, version 0.1: without times, so that the same result is the same statement. */
function testPredicate(report: TestReport, sources: TestedImage['sources']): Json {
  const named = (isWanted: boolean) =>
    report.results.filter(({ verdict }) => (verdict.kind === 'passed') === isWanted).map(({ name }) => name)
  const inherited = report.results.flatMap((one) => (one.inherited === undefined ? [] : [one.name]))
  const annotations = {
    ...{ sandbox: report.sandbox, platform: report.platform, notes: [...report.notes] },
    // Not run for this image, because everything that they read is what it was when they passed.
    ...(inherited.length === 0 ? {} : { inherited }),
  }
  return {
    result: hasPassed(report) ? 'PASSED' : 'FAILED',
    configuration: sources.map(({ name, value }) => {
      const bytes = typeof value === 'string' ? value : canonicalJson(JSON.parse(JSON.stringify(value)))
      return { name, digest: { sha256: hexOf(digestOf(Buffer.from(bytes))) }, annotations }
    }),
    passedTests: named(true),
    failedTests: named(false),
  }
}
