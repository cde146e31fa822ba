import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  scryptSync,
  sign,
} from 'node:crypto'
import type * as Salsa from '@noble/ciphers/salsa.js'
import { faultsOf, formatFault, lateModule, messageOf, readStrictJson, type Shape } from '#core'
import { AttestError } from './errors.ts'
import { type PublicKey, parsePublicKey } from './public-key.ts'
import type { Signer } from './signer.ts'

/** A key pair as cosign keeps it: the private half encrypted with a password, both in PEM. */
export interface KeyPair {
  readonly privatePem: string
  readonly publicPem: string
}

const salsa = lateModule<typeof Salsa>('@noble/ciphers/salsa.js')

/** The labels that cosign has written, the newest first. */
const ENCRYPTED_LABELS = ['ENCRYPTED SIGSTORE PRIVATE KEY', 'ENCRYPTED COSIGN PRIVATE KEY']
const PEM = /^-----BEGIN ([A-Z ]+)-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END \1-----\s*$/
const MAX_KEY = 16 * 1024
/** What cosign writes today; 32768 is what it wrote before, and all that its own reader takes besides. */
const SCRYPT = { N: 65536, r: 8, p: 1 }
const SCRYPT_MEMORY = 256 * 2 ** 20

const base64: Shape = { type: 'string', pattern: '^[A-Za-z0-9+/]+={0,2}$', title: 'base64' }
const cost = (...values: readonly number[]): Shape => ({
  type: 'integer',
  minimum: Math.min(...values),
  maximum: Math.max(...values),
  title: values.join(' or '),
})
const encryptedShape: Shape = {
  type: 'object',
  title: 'an encrypted key',
  properties: {
    kdf: {
      type: 'object',
      properties: {
        name: { type: 'string', enum: ['scrypt'] },
        params: {
          type: 'object',
          properties: { N: cost(32768, SCRYPT.N), r: cost(SCRYPT.r), p: cost(SCRYPT.p) },
          required: ['N', 'r', 'p'],
        },
        salt: base64,
      },
      required: ['name', 'params', 'salt'],
    },
    cipher: {
      type: 'object',
      properties: { name: { type: 'string', enum: ['nacl/secretbox'] }, nonce: base64 },
      required: ['name', 'nonce'],
    },
    ciphertext: base64,
  },
  required: ['kdf', 'cipher', 'ciphertext'],
}

interface EncryptedJson {
  readonly kdf: {
    readonly params: { readonly N: number; readonly r: number; readonly p: number }
    readonly salt: string
  }
  readonly cipher: { readonly nonce: string }
  readonly ciphertext: string
}

/** Makes a key pair, the private half encrypted with `password`, as `cosign generate-key-pair` does. */
export function generateKeyPair(password: string, algorithm: PublicKey['algorithm'] = 'ecdsa-p256-sha256'): KeyPair {
  const { privateKey, publicKey } =
    algorithm === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    privatePem: encrypt(privateKey.export({ type: 'pkcs8', format: 'der' }), password),
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}

function encrypt(plain: Uint8Array, password: string): string {
  const [salt, nonce] = [randomBytes(32), randomBytes(24)]
  const ciphertext = salsa()
    .xsalsa20poly1305(deriveKey(password, salt, SCRYPT), nonce)
    .encrypt(plain)
  const encode = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
  const json = JSON.stringify({
    kdf: { name: 'scrypt', params: SCRYPT, salt: encode(salt) },
    cipher: { name: 'nacl/secretbox', nonce: encode(nonce) },
    ciphertext: encode(ciphertext),
  })
  const [label] = ENCRYPTED_LABELS
  const lines = (encode(Buffer.from(json)).match(/.{1,64}/g) ?? []).join('\n')
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`
}

/** Whether a private key needs a password. */
export function isEncryptedKey(pem: string): boolean {
  return ENCRYPTED_LABELS.some((label) => pem.includes(`-----BEGIN ${label}-----`))
}

/**
 * Reads a private key: cosign's encrypted format, or PKCS #8 in plain PEM (RFC 7468). `name` is what messages call it.
 * Throws `KEY_INVALID` for anything else, and `KEY_LOCKED` where the password does not open it.
 */
export function openPrivateKey(pem: string, password: string, name: string): Signer {
  const [, label = '', body = ''] = (pem.length <= MAX_KEY && PEM.exec(pem.trimStart())) || []
  if (label === 'PRIVATE KEY') return signerOf(importKey({ key: pem, format: 'pem' }, name), name)
  if (!ENCRYPTED_LABELS.includes(label)) {
    throw invalid(name, `want one PEM block with the label "${ENCRYPTED_LABELS[0]}" or "PRIVATE KEY"`)
  }
  const plain = decrypt(Buffer.from(body, 'base64'), password, name)
  return signerOf(importKey({ key: plain, format: 'der', type: 'pkcs8' }, name), name)
}

function decrypt(json: Uint8Array, password: string, name: string): Buffer {
  const read = readStrictJson(json, { maxBytes: MAX_KEY, maxDepth: 4 })
  if ('fault' in read) throw invalid(name, read.fault, read.cause)
  const faults = faultsOf(encryptedShape, read.value)
  if (faults.length > 0) throw invalid(name, faults.map(formatFault).join('; '))
  const { kdf, cipher, ciphertext } = read.value as EncryptedJson
  const nonce = Buffer.from(cipher.nonce, 'base64')
  if (nonce.length !== 24) throw invalid(name, `its nonce has ${nonce.length} bytes, want 24`)
  const key = deriveKey(password, Buffer.from(kdf.salt, 'base64'), kdf.params)
  try {
    return Buffer.from(salsa().xsalsa20poly1305(key, nonce).decrypt(Buffer.from(ciphertext, 'base64')))
  } catch (cause) {
    throw new AttestError('KEY_LOCKED', `cannot open the key ${name}: the password is wrong, or the key is damaged`, {
      cause,
    })
  }
}

function deriveKey(password: string, salt: Uint8Array, cost: EncryptedJson['kdf']['params']): Uint8Array {
  return scryptSync(password, salt, 32, { ...cost, maxmem: SCRYPT_MEMORY })
}

function importKey(input: Parameters<typeof createPrivateKey>[0], name: string): KeyObject {
  try {
    return createPrivateKey(input)
  } catch (cause) {
    throw invalid(name, `it is damaged (${messageOf(cause)})`, cause)
  }
}

function signerOf(privateKey: KeyObject, name: string): Signer {
  const publicKey = parsePublicKey(createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString(), name)
  const digest = publicKey.algorithm === 'ed25519' ? null : 'sha256'
  return { publicKey, sign: async (bytes) => sign(digest, bytes, privateKey) }
}

function invalid(name: string, reason: string, cause?: unknown): AttestError {
  return new AttestError('KEY_INVALID', `cannot read the key ${name}: ${reason}`, { cause })
}
