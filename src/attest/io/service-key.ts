import { isPkcs11Uri } from '../pkcs11-uri.ts'
import type { PublicKey } from '../public-key.ts'
import type { Signer } from '../signer.ts'
import { openPkcs11Signer, readPkcs11Key } from './pkcs11.ts'
import { isVaultKey, openVaultKey, vaultAccess } from './vault.ts'

/** Whether a key is named as one that a service keeps: `hashivault://NAME` of Vault, or `pkcs11:` of a token (RFC 7512). */
export function isServiceKey(reference: string): boolean {
  return isVaultKey(reference) || isPkcs11Uri(reference)
}

/** Opens a service's key for signing. Rejects as `vaultAccess`, `openVaultKey` and `openPkcs11Signer` do. */
export async function openServiceSigner(reference: string): Promise<Signer> {
  if (isPkcs11Uri(reference)) return openPkcs11Signer(reference)
  return (await openVaultKey(reference, await vaultAccess())).signer
}

/** The public keys by which a service's key is verified: of every version that it still has, the newest first. Rejects alike. */
export async function readServiceKeys(reference: string): Promise<readonly PublicKey[]> {
  if (isPkcs11Uri(reference)) return [await readPkcs11Key(reference)]
  return (await openVaultKey(reference, await vaultAccess())).publicKeys
}
