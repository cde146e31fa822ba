import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Dispatcher } from 'undici'
import { faultsOf, formatFault, messageOf, readStrictJson, type Shape } from '#core'
import { AttestError } from '../errors.ts'
import { isSignedBy, type PublicKey, parsePublicKey } from '../public-key.ts'
import type { Signer } from '../signer.ts'
import { plainWords } from './plain-words.ts'

/** Where a key service is, and by what right it is asked. */
export interface VaultAccess {
  /** Of http or https, without a slash at its end. */
  readonly address: string
  readonly token: string
  /** The path of the transit engine. */
  readonly engine: string
  /** Vault Enterprise's namespace. */
  readonly namespace?: string
}

/** A key that Vault keeps: it signs with the newest version, and what older versions have signed stays verifiable. */
export interface VaultKey {
  readonly signer: Signer
  /** Of every version that Vault still verifies with, the newest first. */
  readonly publicKeys: readonly PublicKey[]
}

const SCHEME = 'hashivault://'
const MAX_REPLY = 2 ** 20
const SILENCE = 30_000

/** Whether a key is named as one of Vault's, as cosign names them. */
export function isVaultKey(reference: string): boolean {
  return reference.startsWith(SCHEME)
}

/**
 * The access that the environment gives, by the names that Vault's own client and cosign have: VAULT_ADDR, VAULT_TOKEN or the file
 * `.vault-token` in the home folder, TRANSIT_SECRET_ENGINE_PATH (`transit` where absent), VAULT_NAMESPACE. Throws `KEY_INVALID`.
 */
export async function vaultAccess(): Promise<VaultAccess> {
  const { VAULT_ADDR, VAULT_TOKEN, TRANSIT_SECRET_ENGINE_PATH, VAULT_NAMESPACE } = process.env
  const url = URL.parse(VAULT_ADDR ?? '')
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new AttestError('KEY_INVALID', 'cannot ask Vault for a key: set VAULT_ADDR to its address')
  }
  const home = () => readFile(join(homedir(), '.vault-token'), 'utf8').catch(() => '')
  const token = (VAULT_TOKEN || (await home())).trim()
  if (token === '') throw new AttestError('KEY_INVALID', 'cannot ask Vault for a key: set VAULT_TOKEN, or log in')
  const engine = (TRANSIT_SECRET_ENGINE_PATH || 'transit').replace(/^\/+|\/+$/g, '')
  const namespace = VAULT_NAMESPACE || undefined
  return {
    address: `${url.origin}${url.pathname.replace(/\/+$/, '')}`,
    token,
    engine,
    ...(namespace === undefined ? {} : { namespace }),
  }
}

const keyShape: Shape = {
  type: 'object',
  properties: {
    data: {
      type: 'object',
      properties: {
        type: { type: 'string', enum: ['ecdsa-p256', 'ed25519'], title: 'a key of type ecdsa-p256 or ed25519' },
        latest_version: { type: 'integer', minimum: 1 },
        keys: {
          type: 'object',
          minProperties: 1,
          maxProperties: 1000,
          additionalProperties: {
            type: 'object',
            properties: { public_key: { type: 'string', minLength: 1, maxLength: 4096 } },
            required: ['public_key'],
          },
        },
      },
      required: ['type', 'latest_version', 'keys'],
    },
  },
  required: ['data'],
}

interface KeyReply {
  readonly data: {
    readonly type: 'ecdsa-p256' | 'ed25519'
    readonly latest_version: number
    readonly keys: Readonly<Record<string, { readonly public_key: string }>>
  }
}

/**
 * Opens a key of Vault's transit engine, e.g. `hashivault://release`. It signs with the version that is the newest now, also where
 * the key is rotated meanwhile. Rejects with `KEY_INVALID` for another reference or kind of key, and with `SIGNING_REFUSED` where
 * Vault refuses or does not answer; the signer does, too.
 */
export async function openVaultKey(reference: string, access: VaultAccess): Promise<VaultKey> {
  const name = reference.slice(SCHEME.length)
  if (!isVaultKey(reference) || !/^[\w][\w.-]{0,254}$/.test(name)) {
    throw new AttestError('KEY_INVALID', `cannot use the key ${plainWords(reference)}: want ${SCHEME}NAME`)
  }
  const { data } = (await ask(access, { path: `keys/${name}`, shape: keyShape, name: reference })) as KeyReply
  const versions = Object.keys(data.keys)
    .map(Number)
    .sort((a, b) => b - a)
  const publicKeys = versions.map((version) =>
    parsePublicKey(pemOf(data.keys[version]?.public_key ?? '', data.type), `${reference}, version ${version}`),
  )
  const newest = publicKeys[versions.indexOf(data.latest_version)]
  if (newest === undefined) throw refused(reference, 'Vault gives no public key of its newest version')
  const signer: Signer = {
    publicKey: newest,
    sign: (bytes) => signByVault(bytes, { reference, access, version: data.latest_version, publicKey: newest }),
  }
  return { signer, publicKeys }
}

const signatureShape: Shape = {
  type: 'object',
  properties: {
    data: {
      type: 'object',
      properties: {
        signature: {
          type: 'string',
          pattern: '^vault:v[1-9][0-9]*:[A-Za-z0-9+/]+={0,2}$',
          title: 'a signature of Vault\u2019s',
        },
      },
      required: ['signature'],
    },
  },
  required: ['data'],
}

interface Signing {
  readonly reference: string
  readonly access: VaultAccess
  readonly version: number
  readonly publicKey: PublicKey
}

async function signByVault(bytes: Uint8Array, { reference, access, version, publicKey }: Signing): Promise<Uint8Array> {
  const isEcdsa = publicKey.algorithm === 'ecdsa-p256-sha256'
  const how = isEcdsa ? { hash_algorithm: 'sha2-256', marshaling_algorithm: 'asn1', prehashed: true } : {}
  // Ed25519 signs whole messages; of the others a digest is enough, however large an SBOM is.
  const input = Buffer.from(isEcdsa ? createHash('sha256').update(bytes).digest() : bytes).toString('base64')
  const path = `sign/${reference.slice(SCHEME.length)}`
  const body = { input, key_version: version, ...how }
  const reply = (await ask(access, { path, shape: signatureShape, name: reference, body })) as {
    readonly data: { readonly signature: string }
  }
  const [, , signature = ''] = reply.data.signature.split(':')
  const signed = Buffer.from(signature, 'base64')
  // What does not verify must never be attached to anything.
  if (!isSignedBy(publicKey, bytes, signed)) throw refused(reference, 'Vault made a signature that does not verify')
  return signed
}

/** Ed25519 keys come as 32 bytes in base64, the others as PEM. */
function pemOf(text: string, type: KeyReply['data']['type']): string {
  if (type !== 'ed25519' || text.includes('BEGIN')) return `${text.trim()}\n`
  // SubjectPublicKeyInfo of Ed25519 (RFC 8410, section 4) up to the key's bytes.
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(text, 'base64')])
  return `-----BEGIN PUBLIC KEY-----\n${spki.toString('base64')}\n-----END PUBLIC KEY-----\n`
}

interface Question {
  readonly path: string
  readonly shape: Shape
  readonly name: string
  readonly body?: object
}

async function ask({ address, token, engine, namespace }: VaultAccess, { path, shape, name, body }: Question) {
  const { Agent, EnvHttpProxyAgent, request } = await import('undici')
  const patience = { headersTimeout: SILENCE, bodyTimeout: SILENCE, connectTimeout: SILENCE }
  const isHere = /^https?:\/\/(localhost|\[::1\]|127(\.\d{1,3}){3})(:|$)/.test(address)
  const dispatcher = isHere ? new Agent(patience) : new EnvHttpProxyAgent(patience)
  try {
    const reply = await request(`${address}/v1/${engine}/${path}`, {
      dispatcher,
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        'x-vault-token': token,
        'x-vault-request': 'true',
        ...(namespace ? { 'x-vault-namespace': namespace } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return await readReply(reply, shape, name)
  } catch (cause) {
    if (cause instanceof AttestError) throw cause
    throw refused(name, `Vault does not answer (${messageOf(cause)})`, cause)
  } finally {
    await dispatcher.destroy()
  }
}

const errorShape: Shape = {
  type: 'object',
  properties: { errors: { type: 'array', items: { type: 'string' } } },
  required: ['errors'],
}

async function readReply({ statusCode, body }: Dispatcher.ResponseData, shape: Shape, name: string): Promise<unknown> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > MAX_REPLY) throw refused(name, `Vault answers with more than ${MAX_REPLY} bytes`)
    chunks.push(chunk)
  }
  const read = readStrictJson(Buffer.concat(chunks), { maxBytes: MAX_REPLY, maxDepth: 16 })
  if (statusCode !== 200) {
    const isError = 'value' in read && faultsOf(errorShape, read.value).length === 0
    const said = isError ? (read.value as { readonly errors: readonly string[] }).errors.join('; ') : ''
    throw refused(
      name,
      `Vault answers ${statusCode}${reasonOfStatus(statusCode)}${said === '' ? '' : ` (${plainWords(said)})`}`,
    )
  }
  if ('fault' in read) throw refused(name, `Vault's answer cannot be read: ${read.fault}`, read.cause)
  const faults = faultsOf(shape, read.value)
  if (faults.length > 0)
    throw refused(name, `Vault's answer is none that is known: ${faults.map(formatFault).join('; ')}`)
  return read.value
}

function reasonOfStatus(status: number): string {
  if (status === 403) return ', the token may not do this'
  if (status === 404) return ', it has no such key or transit engine'
  return status === 503 ? ', it is sealed or in standby' : ''
}

function refused(name: string, reason: string, cause?: unknown): AttestError {
  return new AttestError('SIGNING_REFUSED', `cannot use the key ${name}: ${reason}`, { cause })
}
