import type { PublicKey } from 'openpgp'
import { messageOf } from '#core'
import type { CleartextMessage } from './cleartext.ts'
import { DebianError } from './errors.ts'

/** An OpenPGP certificate that a suite is pinned to; made only by `readPinnedKey`. */
export interface PinnedKey {
  /** Of the primary key, upper-case hex. */
  readonly fingerprint: string
  readonly certificate: PublicKey
}

/** Loaded when a signature is to be checked: a build from a lock checks none, and loading takes a while. */
const openpgp = () => import('openpgp')

/**
 * Reads an armored certificate whose primary key must have the pinned fingerprint. Throws `ARCHIVE_INVALID` when the
 * file holds anything else, a second certificate included.
 */
export async function readPinnedKey(armored: string, fingerprint: string, origin: string): Promise<PinnedKey> {
  const { readKeys } = await openpgp()
  const certificates = await readKeys({ armoredKeys: armored }).catch((cause: unknown) => {
    throw new DebianError('ARCHIVE_INVALID', `cannot read key ${origin}: it is no armored OpenPGP certificate`, {
      cause,
    })
  })
  const [certificate] = certificates
  const found = certificates.map((key) => key.getFingerprint().toUpperCase())
  if (certificate === undefined || found.length !== 1 || found[0] !== fingerprint) {
    const reason = `want the one certificate ${fingerprint}, it holds ${found.join(', ') || 'none'}`
    throw new DebianError('ARCHIVE_INVALID', `cannot read key ${origin}: ${reason}`)
  }
  return { fingerprint, certificate: certificate.toPublic() }
}

/** What became of each signature of a message. */
export interface SignatureCheck {
  /** Fingerprints of the pinned keys (their primary keys) with a valid signature, in the order of signatures. */
  readonly signers: readonly string[]
  /** Why each of the other signatures does not count. */
  readonly rejected: readonly string[]
}

/**
 * Checks every signature of a message. One counts when it verifies, with SHA-256 or better, by a pinned key or one of
 * its signing subkeys, that was neither expired nor revoked when it signed, nor is so at `at`. Throws `SUITE_INVALID`
 * when the signature block cannot be read.
 */
export async function checkSignatures(
  message: CleartextMessage,
  keys: readonly PinnedKey[],
  at: Date,
  origin: string,
): Promise<SignatureCheck> {
  const { config, createMessage, enums, readSignature, verify } = await openpgp()
  const weak = new Set([enums.hash.md5, enums.hash.sha1, enums.hash.ripemd, enums.hash.sha224])
  const strict = { ...config, rejectMessageHashAlgorithms: weak }
  const signature = await readSignature({ armoredSignature: message.signature }).catch((cause: unknown) => {
    throw new DebianError('SUITE_INVALID', `cannot read ${origin}: its signature block is malformed`, { cause })
  })
  const { signatures } = await verify({
    message: await createMessage({ text: message.text }),
    signature,
    verificationKeys: keys.map((key) => key.certificate),
    date: at,
    config: strict,
  })
  const signers: string[] = []
  const rejected: string[] = []
  for (const { keyID, verified } of signatures) {
    const id = keyID.toHex().toUpperCase()
    const key = keys.find(({ certificate }) => certificate.getKeys(keyID).length > 0)
    try {
      if (key === undefined) throw new Error('not a pinned key of this suite')
      await verified
      await key.certificate.getSigningKey(keyID, at, undefined, strict)
      if (!signers.includes(key.fingerprint)) signers.push(key.fingerprint)
    } catch (cause) {
      rejected.push(`${id}: ${messageOf(cause)}`)
    }
  }
  return { signers, rejected }
}
