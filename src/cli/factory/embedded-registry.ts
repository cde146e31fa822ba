import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasSystemCode } from '#core'
import type { FactorySettings, TagMove } from '#factory'
import { credentialFiles, parseReference, ROUTES_VARIABLE } from '#oci'
import { RegistryServer, type RegistryServerOptions } from '#oci/registry'
import type { FactoryAuthority } from './factory-authority.ts'
import { RegistryPublisher } from './publisher.ts'
import type { FactoryTools } from './tools.ts'

type EmbeddedOptions = Pick<
  RegistryServerOptions,
  'host' | 'port' | 'tls' | 'addressOf' | 'elsewhere' | 'onAccess' | 'onError'
> & {
  /** The address that others know it by. */
  readonly url: string | undefined
}

/** The factory's own registry, and the name that its images have everywhere: in references and in what is signed. */
export interface EmbeddedRegistry {
  readonly server: RegistryServer
  /** `HOST[:PORT]` */
  readonly name: string
}

/** Serves the factory's own registry, in which nobody but the factory and administrators may write. */
export async function startEmbeddedRegistry(
  folder: string,
  authority: FactoryAuthority,
  { url, ...options }: EmbeddedOptions,
): Promise<EmbeddedRegistry> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const server = await RegistryServer.start(folder, { ...options, authority })
  const name = registryName({ url }, server)
  await offerCredentials(join(folder, 'credentials.json'), name, authority)
  // The way through a proxy may not exist from here. With a certificate, which is for the name, that is asked.
  if (options.tls === undefined) askHere(name, server.port, options.host)
  return { server, name }
}

/** What a registry that listens somewhere is called: by the settings' `url`; on all addresses, as this machine calls itself. */
export function registryName(
  { url }: Pick<FactorySettings['server'], 'url'>,
  { address, port }: Pick<RegistryServer, 'address' | 'port'>,
): string {
  if (url === undefined) return isEverywhere(address) ? `127.0.0.1:${port}` : address
  const { protocol, host } = new URL(url)
  // A name without a dot or a port would be taken for a path of Docker's own registry.
  const isName = /[.:]/.test(host) || host === 'localhost'
  return isName ? host : `${host}:${protocol === 'https:' ? 443 : 80}`
}

function isEverywhere(address: string): boolean {
  return /^(?:0\.0\.0\.0|\[::\]):/.test(address)
}

/** Has this process ask its own registry where it listens. */
function askHere(name: string, port: number, host: string): void {
  const here = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  const other = process.env[ROUTES_VARIABLE]
  const own = `${name}=http://${here.includes(':') ? `[${here}]` : here}:${port}`
  process.env[ROUTES_VARIABLE] = other ? `${own},${other}` : own
}

/**
 * Has this process send the factory's password to its own registry, beside what the user's file of credentials has for others: that
 * file stays as it is.
 */
async function offerCredentials(path: string, name: string, authority: FactoryAuthority): Promise<void> {
  const own = await ownCredentials()
  const auths = { ...own['auths'], [name]: { auth: authority.credentials } }
  await writeFile(path, JSON.stringify({ ...own, auths }), { mode: 0o600 })
  process.env['REGISTRY_AUTH_FILE'] = path
}

async function ownCredentials(): Promise<Readonly<Record<string, object>>> {
  for (const path of credentialFiles(process.env)) {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (hasSystemCode(error, 'ENOENT', 'ENOTDIR')) return undefined
      throw error
    })
    if (text !== undefined && text.trim() !== '') return JSON.parse(text)
  }
  return {}
}

/** Publishes to the registry of this process: tags move all together or not at all, without a request. */
export class EmbeddedPublisher extends RegistryPublisher {
  readonly #tags: RegistryServer['store']

  constructor(tools: Pick<FactoryTools, 'trust'>, { store }: Pick<RegistryServer, 'store'>) {
    super(tools)
    this.#tags = store
  }

  override async move(moves: readonly TagMove[]): Promise<boolean> {
    const own = moves.map((move) => {
      const reference = parseReference(`docker://${move.repository}`)
      if (reference.transport !== 'docker') throw new Error(`${move.repository} is no repository of a registry`)
      return { ...move, repository: reference.repository }
    })
    return await this.#tags.moveTagsTogether(own)
  }
}
