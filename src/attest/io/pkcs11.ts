import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { hasSystemCode, messageOf } from '#core'
import { AttestError } from '../errors.ts'
import { type Pkcs11Uri, parsePkcs11Uri } from '../pkcs11-uri.ts'
import { isSignedBy, type PublicKey, parsePublicKey } from '../public-key.ts'
import type { Signer } from '../signer.ts'
import { plainWords } from './plain-words.ts'

/** OpenSC's, which speaks to every token that has a PKCS #11 module. */
const PROGRAM = 'pkcs11-tool'
const PIN_VARIABLE = 'CASEMATE_TOKEN_PIN'
/** Milliseconds: somebody may have to touch the token. */
const PATIENCE = 60_000
const MAX_ANSWER = 64 * 1024
const MAX_PIN = 256

/**
 * Opens a key in a token for signing: ECDSA on P-256. The PIN is that of the URI's `pin-source` or COSIGN_PKCS11_PIN, the module that of
 * its `module-path` or COSIGN_PKCS11_MODULE_PATH, as cosign names them. Logs in once to see that the PIN is right, because a token locks
 * itself after a few wrong ones. Rejects with `KEY_INVALID`, and with `SIGNING_REFUSED` where the token refuses; the signer does, too.
 */
export async function openPkcs11Signer(reference: string): Promise<Signer> {
  const uri = parsePkcs11Uri(reference)
  const pin = await pinOf(uri)
  const publicKey = await readPublicKey(uri, pin)
  // A token does one thing at a time.
  let last: Promise<unknown> = Promise.resolve()
  return {
    publicKey,
    sign(bytes) {
      const signing = last.then(() => signByToken(bytes, { uri, pin, publicKey }))
      last = signing.catch(() => undefined)
      return signing
    },
  }
}

/** Reads the public key of a pair in a token, for which no PIN is needed. Rejects as `openPkcs11Signer` does. */
export async function readPkcs11Key(reference: string): Promise<PublicKey> {
  return readPublicKey(parsePkcs11Uri(reference))
}

async function readPublicKey(uri: Pkcs11Uri, pin?: string): Promise<PublicKey> {
  const spki = await runTool(uri, { args: ['--read-object', '--type', 'pubkey'], pin })
  const pem = `-----BEGIN PUBLIC KEY-----\n${spki.toString('base64')}\n-----END PUBLIC KEY-----\n`
  const key = parsePublicKey(pem, uri.name)
  if (key.algorithm === 'ecdsa-p256-sha256') return key
  throw new AttestError('KEY_INVALID', `cannot use the key ${uri.name}: it is ${key.algorithm}, want ECDSA on P-256`)
}

interface TokenKey {
  readonly uri: Pkcs11Uri
  readonly pin: string
  readonly publicKey: PublicKey
}

async function signByToken(bytes: Uint8Array, { uri, pin, publicKey }: TokenKey): Promise<Uint8Array> {
  const input = createHash('sha256').update(bytes).digest()
  const args = ['--sign', '--mechanism', 'ECDSA', '--signature-format', 'openssl']
  const signature = await runTool(uri, { args, pin, input })
  // What does not verify must never be attached to anything.
  if (!isSignedBy(publicKey, bytes, signature)) throw refused(uri, 'the token made a signature that does not verify')
  return signature
}

interface Order {
  readonly args: readonly string[]
  readonly pin?: string | undefined
  readonly input?: Uint8Array
}

/** Gives what the program writes. The PIN goes by its environment, which nobody else can read. */
async function runTool(uri: Pkcs11Uri, { args, pin, input }: Order): Promise<Buffer> {
  const all = [...placeOf(uri), ...(pin === undefined ? [] : ['--login', '--pin', `env:${PIN_VARIABLE}`]), ...args]
  const env = { ...process.env, ...(pin === undefined ? {} : { [PIN_VARIABLE]: pin }) }
  return new Promise((resolve, reject) => {
    const options = {
      encoding: 'buffer',
      env,
      timeout: PATIENCE,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_ANSWER,
    } as const
    const child = execFile(PROGRAM, all, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(refused(uri, reasonOf(error, stderr.toString('utf8')), error))
    })
    // A program that ends before it has read everything says why by its status.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  })
}

function placeOf({ name, token, slotId, object, id, modulePath }: Pkcs11Uri): string[] {
  const module = modulePath ?? process.env['COSIGN_PKCS11_MODULE_PATH']
  if (!module) {
    const reason = "want module-path=PATH of the token's PKCS #11 library, or set COSIGN_PKCS11_MODULE_PATH"
    throw new AttestError('KEY_INVALID', `cannot use the key ${name}: ${reason}`)
  }
  const given = { module, 'token-label': token, slot: slotId, label: object, id }
  return Object.entries(given).flatMap(([option, value]) => (value === undefined ? [] : [`--${option}=${value}`]))
}

async function pinOf({ name, pinFile }: Pkcs11Uri): Promise<string> {
  const pin = pinFile === undefined ? (process.env['COSIGN_PKCS11_PIN'] ?? '') : await readPin(name, pinFile)
  if (pin !== '' && pin.length <= MAX_PIN && !/\p{Cc}/u.test(pin)) return pin
  const reason =
    pin === '' ? 'it needs a PIN: want pin-source=file:PATH, or set COSIGN_PKCS11_PIN' : 'its PIN is no PIN'
  throw new AttestError('KEY_INVALID', `cannot use the key ${name}: ${reason}`)
}

/** The first line of a file, and no more of it than a PIN may have. */
async function readPin(name: string, path: string): Promise<string> {
  try {
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_PIN + 2))
      return buffer.toString('utf8', 0, bytesRead).replace(/\r?\n$/, '')
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw new AttestError('KEY_INVALID', `cannot use the key ${name}: its PIN cannot be read: ${messageOf(cause)}`, {
      cause,
    })
  }
}

/** What the program says, by what it means. */
const REASONS: readonly [RegExp, string][] = [
  [/CKR_PIN_INCORRECT/, 'the PIN is wrong; a few more wrong ones lock the token'],
  [/CKR_PIN_LOCKED/, 'its PIN is locked'],
  [/No slot with token named|No slots/, 'there is no such token'],
  [/object not found|key not found/i, 'the token has no such key'],
  // What OpenSC says of other curves.
  [/cannot create EVP_PKEY/, 'its public key cannot be read: want ECDSA on P-256'],
  [/Failed to load pkcs11 module/, 'its module cannot be loaded'],
]

function reasonOf(error: Error & { killed?: boolean | undefined }, stderr: string): string {
  if (hasSystemCode(error, 'ENOENT')) return `there is no ${PROGRAM}: install OpenSC (Debian's package opensc)`
  if (error.killed === true) return `${PROGRAM} has not ended after ${PATIENCE / 1000} s, or answers without end`
  const words = plainWords(stderr)
  const [, reason = `${PROGRAM} failed`] = REASONS.find(([pattern]) => pattern.test(stderr)) ?? []
  return words === '' ? reason : `${reason} (${words})`
}

function refused({ name }: Pkcs11Uri, reason: string, cause?: unknown): AttestError {
  return new AttestError('SIGNING_REFUSED', `cannot use the key ${name}: ${reason}`, { cause })
}
