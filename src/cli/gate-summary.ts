import { PREDICATES } from '#attest'
import { digestOf, hexOf, type Json } from '#core'
import { attachStatements, type Signing } from '#evidence'
import type { Gate } from '#policy'
import type { GatedImage } from './gate-facts.ts'
import { findSubjects, type ImageSubjects, nameToSign, pinnedReference } from './image-subjects.ts'
import type { PolicySet } from './policy-files.ts'
import { type SigningOptions, signatoryOf, signingNow } from './signatory.ts'
import { packageVersion } from './version.ts'

/** What is summed up of one image. */
export interface GatedSummary {
  readonly gated: GatedImage
  readonly sets: readonly PolicySet[]
  readonly gates: readonly Gate[]
  readonly isPassed: boolean
}

/** Who signs, and the name that is signed where the image lies in a folder. */
export interface SummarySigning extends SigningOptions {
  readonly signedAs?: string
  /** The image in its repository, where that need not be looked for. */
  readonly subjects?: ImageSubjects
}

/**
 * Signs what came of an image's gates as a verification summary (SLSA, verification_summary v1) and attaches it to the
 * manifest that was gated. Rejects as `findSubjects`, `signatoryOf` and the registry do.
 */
export async function attestSummary(summary: GatedSummary, options: SummarySigning): Promise<void> {
  const { text, image } = summary.gated
  const signatory = await signatoryOf(options)
  const subjects = options.subjects ?? (await findSubjects(pinnedReference(text, image.top.descriptor.digest)))
  const { repository } = subjects
  try {
    const signing = signingNow({ repository, signatory, signedAs: nameToSign(subjects, options.signedAs) })
    const { mediaType, digest, size } = image.manifestDocument.descriptor
    const predicate = summaryPredicate(summary, { signing, digest })
    await attachStatements({ mediaType, digest, size }, [{ predicateType: PREDICATES.vsa, predicate }], signing)
  } finally {
    await repository.close()
  }
}

/**
 * A summary says nothing of SLSA's levels, which gates do not evaluate; those that passed stand beside that as properties of
 * our own, exceptions with who answers for them.
 */
function summaryPredicate(
  { sets, gates, isPassed }: GatedSummary,
  { signing: { signedAs, signedAt }, digest }: { readonly signing: Signing; readonly digest: string },
): Json {
  const passed = gates.filter(({ verdict }) => verdict.kind === 'passed').map(({ policy }) => policy.name)
  const levels = passed.map((name) => `CASEMATE_GATE_${name.toUpperCase().replaceAll('-', '_')}`)
  const [first, ...others] = sets.map(({ file, text }) => ({
    uri: file,
    digest: { sha256: hexOf(digestOf(Buffer.from(text))) },
  }))
  return {
    verifier: { id: 'https://casemate.dev/gate', version: { casemate: packageVersion() } },
    timeVerified: new Date(signedAt * 1000).toISOString(),
    resourceUri: `pkg:oci/${signedAs.split('/').at(-1)}@${encodeURIComponent(digest)}?repository_url=${encodeURIComponent(signedAs)}`,
    policy: first ?? { uri: 'none' },
    verificationResult: isPassed ? 'PASSED' : 'FAILED',
    verifiedLevels: isPassed ? ['SLSA_BUILD_LEVEL_UNEVALUATED', ...levels] : ['FAILED'],
    slsaVersion: '1.1',
    'https://casemate.dev/gate/v1': {
      ...(others.length === 0 ? {} : { furtherPolicies: others }),
      gates: gates.map(({ policy, verdict, exception }) => ({
        name: policy.name,
        severity: policy.severity,
        verdict: verdict.kind,
        ...(verdict.kind === 'undecided' ? { code: verdict.code } : {}),
        ...(exception === undefined ? {} : { exception: exceptionJson(exception) }),
      })),
    },
  }
}

function exceptionJson({ owner, reason, expires }: NonNullable<Gate['exception']>): Json {
  return { owner, reason, expires }
}
