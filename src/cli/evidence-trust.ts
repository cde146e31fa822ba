import { keyTrust, parsePublicKey, type Trust } from '#attest'
import { UsageError } from './errors.ts'
import { readKeyFile } from './signing-key.ts'

/** The options of every verb that has to know whom to believe. */
export interface TrustOptions {
  readonly key?: readonly string[]
}

/** Whom the options say to believe. Rejects with `USAGE_INVALID` where they name nobody, and with `KEY_INVALID`. */
export async function trustOf({ key = [] }: TrustOptions): Promise<Trust> {
  if (key.length === 0) {
    throw new UsageError(
      'USAGE_INVALID',
      'cannot verify anything: say whom to believe by --key FILE, a public key in PEM',
    )
  }
  return keyTrust(await Promise.all(key.map(async (path) => parsePublicKey(await readKeyFile(path), path))))
}
