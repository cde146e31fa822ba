import { SIGN_PREDICATE } from '#attest'
import { type Digest, digestOf } from '#core'
import { collectEvidence, judgeEvidence, refusals } from '#evidence'
import { FactoryError, type Publisher, type TagMove, type TagName } from '#factory'
import { OciError, parseReference, type RegistryClient } from '#oci'
import { RegistryHome } from './registry-home.ts'
import type { FactoryTools } from './tools.ts'

/** Repositories whose tags move together: one token has to be good for all of them, and is asked for in one request. */
const TOGETHER = 200

/** Publishes to a registry. Its connections are kept until it is closed. */
export class RegistryPublisher implements Publisher {
  readonly #trust: FactoryTools['trust']
  readonly #homes = new Map<string, RegistryHome>()

  constructor({ trust }: Pick<FactoryTools, 'trust'>) {
    this.#trust = trust
  }

  async resolve(tags: readonly TagName[]): Promise<readonly (Digest | undefined)[]> {
    return await Promise.all(
      tags.map(async ({ repository, tag }) => {
        const found = await this.#client(repository).readManifest(tag)
        return found === undefined ? undefined : digestOf(found.bytes)
      }),
    )
  }

  /** Rejects with `CANDIDATE_UNSIGNED` for a manifest that is not there or not signed by our own key. */
  async verify(candidate: Parameters<Publisher['verify']>[0]): Promise<Readonly<Record<string, Digest>>> {
    const { image, repository, digest, manifests, attached: known } = candidate
    if (known !== undefined && (await this.#hasAll(candidate, known))) return known
    const attached: Record<string, Digest> = {}
    for (const subject of new Set([digest, ...manifests.map((one) => one.digest)])) {
      const client = this.#client(repository)
      const found = await collectEvidence(client, subject)
      const judgement = judgeEvidence(found, { trust: this.#trust, repositories: [repository] })
      const [refusal] = refusals(judgement, { predicateTypes: [] })
      if (refusal !== undefined) {
        const reason = `cannot publish ${image}: ${refusal.message}`
        throw new FactoryError('CANDIDATE_UNSIGNED', reason)
      }
      const platform = manifests.find((one) => one.digest === subject)?.platform
      for (const { artifactType, annotations, digest: own } of await client.referrers(subject)) {
        const type = annotations?.['dev.sigstore.bundle.predicateType']
        if (artifactType === undefined || type === undefined) continue
        attached[subject === digest || platform === undefined ? type : `${platform} ${type}`] = own
      }
    }
    return attached
  }

  /** Whether everything is still attached that was believed at the gate: what has the same digest is the same. */
  async #hasAll(
    { repository, digest, manifests }: Parameters<Publisher['verify']>[0],
    attached: Readonly<Record<string, Digest>>,
  ): Promise<boolean> {
    const below = manifests.filter((one) => one.digest !== digest)
    const signatures = [SIGN_PREDICATE, ...below.map(({ platform }) => `${platform} ${SIGN_PREDICATE}`)]
    if (signatures.some((key) => attached[key] === undefined)) return false
    const client = this.#client(repository)
    const subjects = [...new Set([digest, ...manifests.map((one) => one.digest)])]
    const lists = await Promise.all(subjects.map((subject) => client.referrers(subject)))
    const there = new Set(lists.flat().map((one) => one.digest))
    return Object.values(attached).every((one) => there.has(one))
  }

  async move(moves: readonly TagMove[]): Promise<boolean> {
    const [first] = moves
    if (first === undefined) return true
    for (const part of parts(moves)) {
      const isMoved = await this.#moveTogether(first.repository, part)
      if (isMoved === undefined) return await this.#moveEach(moves)
      if (!isMoved) return false
    }
    return true
  }

  async #moveEach(moves: readonly TagMove[]): Promise<boolean> {
    const found = await this.resolve(moves)
    if (moves.some(({ expected }, at) => found[at] !== expected)) return false
    for (const { repository, tag, next } of moves) await this.#tag(repository, tag, next)
    return true
  }

  /** In one transaction, where the registry is one of ours; `undefined` where it is not. */
  async #moveTogether(repository: string, moves: readonly TagMove[]): Promise<boolean | undefined> {
    const client = this.#client(repository)
    const prefix = `${client.registry}/`
    const own = moves.map((move) => ({ ...move, repository: move.repository.slice(prefix.length) }))
    try {
      return await client.moveTags(own)
    } catch (error) {
      // Registries of others may let nobody look at a path that they do not know. Who may not push is told by what follows.
      if (error instanceof OciError && error.code === 'REGISTRY_REFUSED') return undefined
      throw error
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#homes.values()].map((home) => home.close()))
  }

  async #tag(repository: string, tag: string, next: Digest): Promise<void> {
    const client = this.#client(repository)
    const found = await client.readManifest(next)
    if (found === undefined || digestOf(found.bytes) !== next) {
      throw new OciError('IMAGE_UNKNOWN', `cannot give ${repository}:${tag} to ${next}: the registry does not have it`)
    }
    const { mediaType, bytes } = found
    await client.putManifest({ descriptor: { mediaType, digest: next, size: bytes.length }, bytes }, tag)
  }

  #client(repository: string): RegistryClient {
    const reference = parseReference(`docker://${repository}`)
    if (reference.transport !== 'docker') throw new OciError('REFERENCE_INVALID', `${repository} is no repository`)
    const home = this.#homes.get(reference.registry) ?? new RegistryHome(reference.registry)
    this.#homes.set(reference.registry, home)
    return home.repository(repository)
  }
}

/** Moves, those of a repository together, in parts of so many repositories. */
function parts(moves: readonly TagMove[]): readonly (readonly TagMove[])[] {
  const groups = [...Map.groupBy(moves, ({ repository }) => repository).values()]
  return Array.from({ length: Math.ceil(groups.length / TOGETHER) }, (_, at) => {
    return groups.slice(at * TOGETHER, (at + 1) * TOGETHER).flat()
  })
}
