import { mkdir, readFile, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hasSystemCode, messageOf } from '#core'
import { OciError } from '../errors.ts'
import { type JsonObject, parseDocument } from '../json-document.ts'
import { writeFileAtomically } from './atomic-file.ts'
import {
  askHelper,
  type CredentialEnvironment,
  credentialFiles,
  helperOf,
  orCredentialsFault,
  serverOf,
} from './credentials.ts'
import { RegistryConnection, type RegistryOptions } from './registry-connection.ts'

/** A user's name with a password, or with a token in its place. */
export interface Login {
  readonly username: string
  readonly password: string
}

/** A file of credentials: as it is checked, and all that it holds. */
interface CredentialFile {
  readonly path: string
  readonly object: JsonObject
  readonly content: Readonly<Record<string, unknown>>
}

/**
 * Asks a registry whether it takes a login. Rejects with `REGISTRY_REFUSED` unless it does, also where it lets everybody in,
 * and with the other codes of registries.
 */
export async function checkLogin(registry: string, login: Login, options: RegistryOptions = {}): Promise<void> {
  const connection = new RegistryConnection(registry, { ...options, credentials: { kind: 'password', ...login } })
  try {
    await connection.logIn()
  } finally {
    await connection.close()
  }
}

/**
 * Keeps a login where `findCredentials` and the other tools of this machine look for it: in the file that has one for the
 * registry already, else in `$REGISTRY_AUTH_FILE`, else in Docker's `config.json`, which podman and skopeo read too; with
 * the helper that the file names, if any. What else stands in the file stays; nobody else may read it. Gives the file, or
 * the helper's name. Rejects with `CREDENTIALS_FAILED`, `OUTPUT_FAILED`.
 */
export async function storeLogin(
  registry: string,
  { username, password }: Login,
  environment: CredentialEnvironment = process.env,
): Promise<string> {
  const files = await Promise.all(credentialFiles(environment).map(readFileOrNone))
  const file = files.find(({ content }) => keyIn(content, registry) !== undefined) ?? files.at(-1)
  if (file === undefined)
    throw new OciError('CREDENTIALS_FAILED', `cannot keep a login for ${registry}: no file is for it`)
  const helper = helperOf(file.object, registry)
  if (helper !== undefined) {
    const input = JSON.stringify({ ServerURL: serverOf(registry), Username: username, Secret: password })
    await askHelper({ helper, action: 'store', input }, environment)
    return `docker-credential-${helper}`
  }
  const key = keyIn(file.content, registry) ?? serverOf(registry)
  const auth = Buffer.from(`${username}:${password}`).toString('base64')
  await writeAuths(file, { ...authsIn(file.content), [key]: { auth } })
  return file.path
}

/**
 * Forgets the logins for a registry that files and helpers of this user keep, and gives where they were. Rejects with
 * `CREDENTIALS_FAILED`, `OUTPUT_FAILED`.
 */
export async function removeLogin(
  registry: string,
  environment: CredentialEnvironment = process.env,
): Promise<readonly string[]> {
  const removed: string[] = []
  for (const path of credentialFiles(environment)) {
    const file = await readFileOrNone(path)
    const helper = helperOf(file.object, registry)
    const input = serverOf(registry)
    if (helper !== undefined && (await askHelper({ helper, action: 'get', input }, environment)) !== undefined) {
      await askHelper({ helper, action: 'erase', input }, environment)
      removed.push(`docker-credential-${helper}`)
    }
    const key = keyIn(file.content, registry)
    if (key === undefined) continue
    const { [key]: _, ...others } = authsIn(file.content)
    await writeAuths(file, others)
    removed.push(path)
  }
  return removed
}

async function readFileOrNone(path: string): Promise<CredentialFile> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    if (hasSystemCode(cause, 'ENOENT', 'ENOTDIR')) return Buffer.of()
    throw new OciError('CREDENTIALS_FAILED', `cannot read credentials ${path}: ${messageOf(cause)}`, { cause })
  })
  const text = bytes.length === 0 ? Buffer.from('{}') : bytes
  const object = orCredentialsFault(() => parseDocument(text, path))
  orCredentialsFault(() => object.optionalObject('auths'))
  const content: unknown = JSON.parse(text.toString())
  return { path, object, content: membersOf(content) }
}

/** The entries of `auths`. */
function authsIn(content: CredentialFile['content']): Record<string, unknown> {
  return membersOf(content['auths'])
}

function membersOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

/** The key under which a file has the registry as a whole, as podman or as Docker writes it. */
function keyIn(content: CredentialFile['content'], registry: string): string | undefined {
  const auths = authsIn(content)
  const keys = [
    registry,
    serverOf(registry),
    `https://${registry}`,
    `https://${registry}/v1/`,
    `https://${registry}/v2/`,
  ]
  return keys.find((key) => Object.hasOwn(auths, key))
}

async function writeAuths({ path, content }: CredentialFile, auths: Record<string, unknown>): Promise<void> {
  // Who keeps this file elsewhere and has a link to it keeps the link.
  const target = await realpath(path).catch(() => path)
  await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  await writeFileAtomically(target, [Buffer.from(`${JSON.stringify({ ...content, auths }, null, 2)}\n`)], 0o600)
}
