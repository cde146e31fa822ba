import { TrustedRoot as RootMessage } from '@sigstore/protobuf-specs'
import { type TrustMaterial, toTrustMaterial, VerificationError } from '@sigstore/verify'
import { faultsOf, formatFault, messageOf, readStrictJson, type Shape } from '#core'
import { AttestError } from './errors.ts'

/** Whose certificates, logs and timestamps are believed: what a `trusted_root.json` holds. */
export interface TrustedRoot {
  readonly material: TrustMaterial
}

const LIMITS = { maxBytes: 4 * 2 ** 20, maxDepth: 16 }
const some = (required: readonly string[]): Shape => ({
  type: 'array',
  maxItems: 256,
  items: { type: 'object', required: [...required] },
  title: 'a list',
})
const rootShape: Shape = {
  type: 'object',
  title: 'a trusted root',
  properties: {
    mediaType: {
      type: 'string',
      pattern: '^application/vnd\\.dev\\.sigstore\\.trustedroot(\\.v0\\.[12])?\\+json(;version=0\\.[12])?$',
    },
    tlogs: some(['publicKey', 'logId']),
    ctlogs: some(['publicKey', 'logId']),
    certificateAuthorities: some(['certChain']),
    timestampAuthorities: some(['certChain']),
  },
  required: ['mediaType'],
}

/** Reads a trusted root as Sigstore writes it; `name` is what messages call it. Throws `ROOT_INVALID`. */
export function parseTrustedRoot(bytes: Uint8Array, name: string): TrustedRoot {
  const invalid = (reason: string, cause?: unknown) =>
    new AttestError('ROOT_INVALID', `cannot read the trusted root ${name}: ${reason}`, { cause })
  const read = readStrictJson(bytes, LIMITS)
  if ('fault' in read) throw invalid(read.fault, read.cause)
  const faults = faultsOf(rootShape, read.value)
  if (faults.length > 0) throw invalid(faults.map(formatFault).join('; '))
  let material: TrustMaterial
  try {
    material = toTrustMaterial(RootMessage.fromJSON(read.value), (hint) => {
      throw new VerificationError({ code: 'PUBLIC_KEY_ERROR', message: `the root has no key ${hint}` })
    })
  } catch (cause) {
    throw invalid(`a key or certificate in it is damaged (${messageOf(cause)})`, cause)
  }
  if (
    [...material.certificateAuthorities, ...material.timestampAuthorities].some(
      ({ certChain }) => certChain.length === 0,
    )
  ) {
    throw invalid('an authority in it has no certificate')
  }
  if (material.tlogs.length + material.timestampAuthorities.length === 0) {
    throw invalid('it names neither a transparency log nor a timestamp authority')
  }
  return { material }
}
