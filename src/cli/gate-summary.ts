import { PREDICATES } from '#attest'
import { digestOf, hexOf, type Json } from '#core'
import { attachStatements, type Signing } from '#evidence'
import { RegistryClient } from '#oci'
import type { Gate } from '#policy'
import { UsageError } from './errors.ts'
import type { GatedImage } from './gate-facts.ts'
import type { PolicySet } from './policy-files.ts'
import { signingNow } from './signatory.ts'
import { openSignatory } from './signing-key.ts'
import { packageVersion } from './version.ts'

/** What is summed up of one image. */
export interface GatedSummary {
  readonly gated: GatedImage
  readonly sets: readonly PolicySet[]
  readonly gates: readonly Gate[]
  readonly isPassed: boolean
}

/**
 * Signs what came of an image's gates as a verification summary (SLSA, verification_summary v1) and attaches it to the
 * manifest that was gated. Rejects with `USAGE_INVALID` for an image that is in no registry, and as `openSignatory` and the
 * registry do.
 */
export async function attestSummary(summary: GatedSummary, key: string): Promise<void> {
  const { reference, image } = summary.gated
  if (reference.transport !== 'docker') {
    throw new UsageError(
      'USAGE_INVALID',
      'cannot attach a summary to an image in files: evidence is kept in registries',
    )
  }
  const signatory = await openSignatory(key)
  const repository = new RegistryClient(reference)
  try {
    const signing = signingNow({ repository, signatory, signedAs: repository.name })
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
