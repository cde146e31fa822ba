import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '#core'
import { OciError } from '../errors.ts'
import { type JsonObject, parseDocument } from '../json-document.ts'
import { runProcess } from './process.ts'

/** How a client proves who it is: a password, a token that buys access tokens (OAuth 2), or an access token itself. */
export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'identity-token'; readonly token: string }
  | { readonly kind: 'registry-token'; readonly token: string }

/** The environment that says where credentials are kept. */
export type CredentialEnvironment = Readonly<Record<string, string | undefined>>

const DOCKER_HUB_KEY = 'https://index.docker.io/v1/'
const HELPER_TIMEOUT = 60_000
const NOT_FOUND = 'credentials not found in native keychain'

/**
 * Gives the credentials for a repository of a registry, or `undefined` where none are kept. Looked at, in this order:
 * `$REGISTRY_AUTH_FILE`, podman's `auth.json`, Docker's `config.json` (`$DOCKER_CONFIG`); in each a helper named for the
 * registry, then the store's helper, then what the file says itself, longest match first (containers-auth.json(5)).
 * Rejects with `CREDENTIALS_FAILED` when a file or helper cannot be used: going on without would hide the fault.
 */
export async function findCredentials(
  { registry, repository }: { registry: string; repository: string },
  environment: CredentialEnvironment = process.env,
): Promise<Credentials | undefined> {
  for (const path of credentialFiles(environment)) {
    const file = await readCredentialFile(path)
    const found = file && (await findInFile(file, { registry, repository }, environment))
    if (found) return found
  }
  return undefined
}

/** The files that keep credentials, those that are looked at first in front. */
export function credentialFiles(environment: CredentialEnvironment): string[] {
  const explicit = environment['REGISTRY_AUTH_FILE']
  if (explicit) return [explicit]
  const home = environment['HOME'] ?? homedir()
  const runtime = environment['XDG_RUNTIME_DIR']
  const config = environment['XDG_CONFIG_HOME'] || join(home, '.config')
  return [
    ...(runtime ? [join(runtime, 'containers', 'auth.json')] : []),
    join(config, 'containers', 'auth.json'),
    join(environment['DOCKER_CONFIG'] || join(home, '.docker'), 'config.json'),
  ]
}

async function readCredentialFile(path: string): Promise<JsonObject | undefined> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined
    throw new OciError('CREDENTIALS_FAILED', `cannot read credentials ${path}: ${cause.message}`, { cause })
  })
  if (!bytes || bytes.length === 0) return undefined
  return orCredentialsFault(() => parseDocument(bytes, path))
}

async function findInFile(
  file: JsonObject,
  { registry, repository }: { registry: string; repository: string },
  environment: CredentialEnvironment,
): Promise<Credentials | undefined> {
  const helper = helperOf(file, registry)
  const kept = helper ? await askHelper({ helper, action: 'get', input: serverOf(registry) }, environment) : undefined
  if (kept) return credentialsIn(kept, helper ?? '')
  const auths = orCredentialsFault(() => file.optionalObject('auths'))
  if (!auths) return undefined
  const byName = new Map([...auths.keys()].map((key) => [normalName(key), key]))
  for (let name = `${registry}/${repository}`; name !== ''; name = name.slice(0, Math.max(name.lastIndexOf('/'), 0))) {
    const key = byName.get(name)
    const found = key === undefined ? undefined : orCredentialsFault(() => readEntry(auths.object(key)))
    if (found) return found
  }
  return undefined
}

/** The helper that keeps the credentials for a registry, by what a file says. Throws `CREDENTIALS_FAILED`. */
export function helperOf(file: JsonObject, registry: string): string | undefined {
  const helpers = orCredentialsFault(() => file.optionalTextMap('credHelpers')) ?? {}
  const store = orCredentialsFault(() => file.optionalText('credsStore'))
  return (Object.hasOwn(helpers, registry) ? helpers[registry] : store) || undefined
}

/** What helpers and Docker's own file call a registry. */
export function serverOf(registry: string): string {
  return registry === 'docker.io' ? DOCKER_HUB_KEY : registry
}

/** A key as Docker or podman writes it: `HOST`, `HOST/NAMESPACE`, `https://HOST/v1/`. */
function normalName(key: string): string {
  if (!/^https?:\/\//.test(key)) return key === 'index.docker.io' ? 'docker.io' : key
  const host = key.replace(/^https?:\/\//, '').split('/')[0] ?? ''
  return host === 'index.docker.io' ? 'docker.io' : host
}

/** An entry of `auths`; an empty one only says that a helper keeps the rest. */
function readEntry(entry: JsonObject): Credentials | undefined {
  const identity = entry.optionalText('identitytoken')
  if (identity) return { kind: 'identity-token', token: identity }
  const token = entry.optionalText('registrytoken')
  if (token) return { kind: 'registry-token', token }
  const auth = entry.optionalText('auth')
  if (!auth) return undefined
  const plain = Buffer.from(auth, 'base64').toString()
  const colon = plain.indexOf(':')
  if (colon < 1) {
    throw new OciError('CREDENTIALS_FAILED', `cannot read ${entry.place}.auth: it is no base64 of USER:PASSWORD`)
  }
  const password = plain.slice(colon + 1).replace(/\0+$/, '')
  return { kind: 'password', username: plain.slice(0, colon), password }
}

/** What a helper is asked for: `get` and `erase` take the registry's name, `store` a JSON document. */
export interface HelperRequest {
  readonly helper: string
  readonly action: 'get' | 'store' | 'erase'
  readonly input: string
}

/**
 * Asks `docker-credential-HELPER ACTION` (docker-credential-helpers protocol) and gives its reply, `undefined` where it
 * has no credentials for the registry. Rejects with `CREDENTIALS_FAILED`.
 */
export async function askHelper(
  { helper, action, input }: HelperRequest,
  environment: CredentialEnvironment,
): Promise<string | undefined> {
  if (!/^[\w.-]+$/.test(helper)) {
    throw new OciError('CREDENTIALS_FAILED', `cannot ask credential helper "${helper}": that is no helper's name`)
  }
  const program = `docker-credential-${helper}`
  const asked = `cannot ask ${program} to ${action} credentials`
  const options = { environment: { ...environment }, signal: AbortSignal.timeout(HELPER_TIMEOUT) }
  const result = await runProcess([program, action], [Buffer.from(input)], options).catch((cause: unknown) => {
    throw new OciError('CREDENTIALS_FAILED', `${asked}: ${messageOf(cause)}`, { cause })
  })
  if (result.exitCode === 0) return result.stdout
  if (result.stdout.trim() === NOT_FOUND) return undefined
  const reason = (result.stderr.trim() || result.stdout.trim()).slice(0, 200)
  throw new OciError('CREDENTIALS_FAILED', `${asked}: exit ${result.exitCode}: ${reason}`)
}

function credentialsIn(text: string, helper: string): Credentials {
  return orCredentialsFault(() => {
    const reply = parseDocument(Buffer.from(text), `the reply of docker-credential-${helper}`)
    const username = reply.text('Username')
    const secret = reply.text('Secret')
    if (username === '<token>') return { kind: 'identity-token', token: secret }
    return { kind: 'password', username, password: secret }
  })
}

/** Makes every fault of a credential file or reply one of credentials; what it says is kept. */
export function orCredentialsFault<Value>(read: () => Value): Value {
  try {
    return read()
  } catch (cause) {
    const reason = messageOf(cause)
    throw new OciError('CREDENTIALS_FAILED', reason, { cause })
  }
}
