import { readFile } from 'node:fs/promises'
import {
  eitherTrust,
  identityTrust,
  isServiceKey,
  keyTrust,
  type PublicKey,
  parsePublicKey,
  parseTrustedRoot,
  readServiceKeys,
  type Trust,
  type TrustedRoot,
} from '#attest'
import { messageOf } from '#core'
import { UsageError } from './errors.ts'
import { readKeyFile } from './signing-key.ts'

/** The options of every verb that has to know whom to believe. */
export interface TrustOptions {
  /** Files, or names of keys that services keep. */
  readonly key?: readonly string[]
  readonly trustedRoot?: string
  readonly certificateIdentity?: string
  readonly certificateIdentityRegexp?: string
  readonly certificateOidcIssuer?: string
  /** Whom to believe, in place of all of this: no option, for who asks many times. */
  readonly trust?: Trust
}

/** Whether the options name anybody. */
export function namesSomebody(options: TrustOptions): boolean {
  const { key, certificateIdentity, certificateIdentityRegexp, certificateOidcIssuer, trust } = options
  return [key, certificateIdentity, certificateIdentityRegexp, certificateOidcIssuer, trust].some(
    (one) => one !== undefined,
  )
}

/**
 * Whom the options say to believe. Rejects with `USAGE_INVALID` where they name nobody or somebody in part, with `KEY_INVALID`
 * and `ROOT_INVALID`, and with `SIGNING_REFUSED` where Vault does not give a key.
 */
export async function trustOf(options: TrustOptions): Promise<Trust> {
  const { key = [], trust } = options
  if (trust !== undefined) return trust
  const root = await trustedRootOf(options)
  const trusts: Trust[] = []
  if (key.length > 0) trusts.push(keyTrust((await Promise.all(key.map(readPublicKeys))).flat(), root))
  const identity = identityOf(options, root)
  if (identity !== undefined) trusts.push(identity)
  const [only] = trusts
  if (only === undefined) {
    throw new UsageError(
      'USAGE_INVALID',
      'cannot verify anything: say whom to believe by --key FILE, a public key in PEM, or by --certificate-identity, --certificate-oidc-issuer and --trusted-root',
    )
  }
  return trusts.length === 1 ? only : eitherTrust(trusts)
}

function identityOf(options: TrustOptions, root: TrustedRoot | undefined): Trust | undefined {
  const { certificateIdentity: exact, certificateIdentityRegexp: pattern, certificateOidcIssuer: issuer } = options
  if (exact === undefined && pattern === undefined && issuer === undefined) return undefined
  if ((exact === undefined) === (pattern === undefined)) {
    throw new UsageError(
      'USAGE_INVALID',
      'cannot trust an identity: want one of --certificate-identity and --certificate-identity-regexp',
    )
  }
  // Everybody can get every name from some issuer.
  if (issuer === undefined) {
    throw new UsageError('USAGE_INVALID', 'cannot trust an identity: want its --certificate-oidc-issuer, too')
  }
  if (root === undefined) {
    throw new UsageError(
      'USAGE_INVALID',
      "cannot trust an identity: want --trusted-root FILE, Sigstore's trusted_root.json or your own",
    )
  }
  return identityTrust(root, [{ name: exact ?? patternOf(pattern ?? ''), issuer }])
}

function patternOf(text: string): RegExp {
  try {
    return new RegExp(text, 'u')
  } catch (cause) {
    throw new UsageError('USAGE_INVALID', `cannot read --certificate-identity-regexp: ${messageOf(cause)}`, { cause })
  }
}

async function readPublicKeys(name: string): Promise<readonly PublicKey[]> {
  if (isServiceKey(name)) return readServiceKeys(name)
  return [parsePublicKey(await readKeyFile(name), name)]
}

/** The root that an option names, or SIGSTORE_TRUSTED_ROOT; `undefined` where there is none. Rejects with `USAGE_INVALID` and `ROOT_INVALID`. */
export async function trustedRootOf({
  trustedRoot,
}: Pick<TrustOptions, 'trustedRoot'>): Promise<TrustedRoot | undefined> {
  const path = trustedRoot ?? process.env['SIGSTORE_TRUSTED_ROOT']
  if (path === undefined || path === '') return undefined
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (cause) {
    throw new UsageError('USAGE_INVALID', `cannot read the trusted root ${path}: ${messageOf(cause)}`, { cause })
  }
  return parseTrustedRoot(bytes, path)
}
