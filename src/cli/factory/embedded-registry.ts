import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasSystemCode } from '#core'
import type { TagMove } from '#factory'
import { credentialFiles, parseReference } from '#oci'
import { RegistryServer, type RegistryServerOptions } from '#oci/registry'
import type { FactoryAuthority } from './factory-authority.ts'
import { RegistryPublisher } from './publisher.ts'
import type { FactoryTools } from './tools.ts'

/** Serves the factory's own registry, in which nobody but the factory and administrators may write. */
export async function startEmbeddedRegistry(
  folder: string,
  authority: FactoryAuthority,
  options: Pick<RegistryServerOptions, 'host' | 'port' | 'tls' | 'addressOf' | 'elsewhere' | 'onAccess' | 'onError'>,
): Promise<RegistryServer> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const server = await RegistryServer.start(folder, { ...options, authority })
  await offerCredentials(join(folder, 'credentials.json'), server.address, authority)
  return server
}

/**
 * Has this process send the factory's password to its own registry, beside what the user's file of credentials has for others: that
 * file stays as it is.
 */
async function offerCredentials(path: string, address: string, authority: FactoryAuthority): Promise<void> {
  const own = await ownCredentials()
  const auths = { ...own['auths'], [address]: { auth: authority.credentials } }
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
