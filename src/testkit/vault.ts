import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Json } from '#core'

/** A stand-in for Vault's transit engine on loopback: real keys and signatures, its paths, members and errors. */
export interface TestVault {
  readonly url: string
  /** The only token that may do anything. */
  readonly token: string
  /** Makes a key with one version. */
  createKey(name: string, type?: 'ecdsa-p256' | 'ed25519' | 'rsa-2048'): void
  /** Adds a version, which signs from now on. */
  rotate(name: string): void
  /** Forgets the public keys of older versions than this, as `min_decryption_version` does. */
  retire(name: string, below: number): void
  sealed: boolean
  /** Changes an answer on its way. */
  tamper: (path: string, answer: Json) => Json | string
  /** The bodies of requests to sign. */
  readonly signings: Record<string, unknown>[]
}

interface Key {
  readonly type: 'ecdsa-p256' | 'ed25519' | 'rsa-2048'
  readonly versions: { readonly privateKey: KeyObject; readonly publicKey: KeyObject }[]
  oldest: number
}

/** Starts it at the path `transit`; it ends with the test. */
export async function testVault(t: { after(end: () => unknown): void }): Promise<TestVault> {
  const keys = new Map<string, Key>()
  const server = createServer((request, response) => {
    answer(request)
      .then(({ status, body }) => response.writeHead(status, { 'content-type': 'application/json' }).end(body))
      .catch((error: unknown) => response.destroy(error as Error))
  })
  const answer = async (request: IncomingMessage): Promise<{ status: number; body: string }> => {
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Uint8Array>)).toString()
    const refuse = (status: number, ...errors: string[]) => ({ status, body: JSON.stringify({ errors }) })
    if (vault.sealed) return refuse(503, 'Vault is sealed')
    if (request.headers['x-vault-token'] !== vault.token) return refuse(403, 'permission denied')
    const [, action = '', name = ''] = /^\/v1\/transit\/(keys|sign)\/([\w.-]+)$/.exec(request.url ?? '') ?? []
    const key = keys.get(name)
    if (action === '' || key === undefined) return refuse(404)
    if (action === 'keys') return reply(request.url ?? '', describeKey(key))
    const asked: SignRequest = JSON.parse(body)
    vault.signings.push({ ...asked })
    const version = asked.key_version ?? key.versions.length
    if (version > key.versions.length) return refuse(400, 'requested version for signing is higher than the latest')
    return reply(request.url ?? '', { data: { signature: signature(key, version, asked), key_version: version } })
  }
  const reply = (path: string, data: Json) => {
    const changed = vault.tamper(path, data)
    return { status: 200, body: typeof changed === 'string' ? changed : JSON.stringify(changed) }
  }
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  t.after(() => server.close())
  const keyNamed = (name: string): Key => keys.get(name)!
  const vault: TestVault = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: `hvs.${randomBytes(12).toString('hex')}`,
    createKey: (name, type = 'ecdsa-p256') => keys.set(name, { type, versions: [newPair(type)], oldest: 1 }),
    rotate: (name) => keyNamed(name).versions.push(newPair(keyNamed(name).type)),
    retire: (name, below) => {
      keyNamed(name).oldest = below
    },
    sealed: false,
    tamper: (_, untouched) => untouched,
    signings: [],
  }
  return vault
}

interface SignRequest {
  readonly input: string
  readonly key_version?: number
  readonly prehashed?: boolean
}

function newPair(type: Key['type']): Key['versions'][number] {
  if (type === 'ed25519') return generateKeyPairSync('ed25519')
  if (type === 'rsa-2048') return generateKeyPairSync('rsa', { modulusLength: 2048 })
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function describeKey({ type, versions, oldest }: Key): Json {
  const shown = versions.map(({ publicKey }, index) => {
    // Vault gives Ed25519 keys as their 32 bytes.
    const text =
      type === 'ed25519'
        ? publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')
        : publicKey.export({ type: 'spki', format: 'pem' }).toString()
    return [String(index + 1), { creation_time: '2026-01-02T03:04:05Z', name: type, public_key: text }] as const
  })
  const kept = Object.fromEntries(shown.slice(oldest - 1))
  return { data: { type, latest_version: versions.length, keys: kept, min_decryption_version: oldest } }
}

function signature({ type, versions }: Key, version: number, { input, prehashed }: SignRequest): string {
  const { privateKey } = versions[version - 1]!
  const bytes = Buffer.from(input, 'base64')
  const signed =
    type === 'ecdsa-p256' && prehashed
      ? signDigest(bytes, privateKey)
      : sign(type === 'ed25519' ? null : 'sha256', bytes, privateKey)
  return `vault:v${version}:${signed.toString('base64')}`
}

/** Signs a digest as it is, which Node does not, by OpenSSL. */
function signDigest(digest: Uint8Array, privateKey: KeyObject): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-vault-'))
  try {
    const path = join(folder, 'key.pem')
    writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }))
    const options = ['-pkeyopt', 'digest:sha256', '-inkey', path]
    return execFileSync('openssl', ['pkeyutl', '-sign', ...options], { input: digest })
  } finally {
    rmSync(folder, { recursive: true })
  }
}
