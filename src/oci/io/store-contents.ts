import { inParallel } from '#core'
import { formatContentRequest, goesTogether, type NamedContents, planContentRequests } from '../content-requests.ts'
import { OciError } from '../errors.ts'
import { memoryBlobs } from '../memory-blobs.ts'
import type { ContentsOutcome, PlacedDigest, PlacedTag } from '../registry/contents.ts'
import type { Repository } from '../repository.ts'
import type { RepositoryContents } from '../repository-contents.ts'
import { RegistryClient } from './registry-client.ts'

/** Contents and where they go. */
export interface ContentsOf {
  readonly repository: Repository
  readonly contents: RepositoryContents
}

/** What became of contents. Of what went piece by piece no more is known than how many repositories got it. */
export interface StoreReport {
  readonly added: readonly PlacedDigest[]
  readonly mounted: readonly PlacedDigest[]
  readonly tagged: readonly PlacedTag[]
  /** What repositories lack that therefore got nothing. */
  readonly missing: readonly PlacedDigest[]
  /** Tags that are not as expected, of repositories that therefore got nothing. */
  readonly moved: readonly PlacedTag[]
  readonly singly: number
}

/** What goes to one registry, and a client of each of its repositories. */
interface OneRegistry {
  readonly clients: Map<string, RegistryClient>
  readonly parts: NamedContents[]
}

const TRANSFERS = 4
/** While one request is made durable, the next is on its way. */
const REQUESTS = 2

/**
 * Stores contents: those of a registry that takes many together in as few requests as there can be, all others piece by piece.
 * There what a repository gets is durable together, or nothing of it when something is `missing` or a tag has `moved`; one repository's
 * fault keeps no other one out. Rejects as the repositories do.
 */
export async function storeContents(parts: readonly ContentsOf[]): Promise<StoreReport> {
  const registries = new Map<string, OneRegistry>()
  const singly: ContentsOf[] = []
  for (const { repository, contents } of parts) {
    const isTogether =
      repository instanceof RegistryClient && goesTogether(contents) && (await repository.takesContents())
    if (!isTogether) {
      singly.push({ repository, contents })
      continue
    }
    const { registry, repository: name } = repository
    const known: OneRegistry = registries.get(registry) ?? { clients: new Map(), parts: [] }
    registries.set(registry, known)
    known.clients.set(name, repository)
    known.parts.push({ repository: name, contents })
  }
  const outcome = new Outcome(singly.length)
  await inParallel(TRANSFERS, singly, storeSingly)
  for (const { clients, parts } of registries.values()) {
    const { early, late } = planContentRequests(parts)
    for (const wave of [early, late]) await inParallel(REQUESTS, wave, (group) => storeGroup(group, clients, outcome))
  }
  return outcome
}

class Outcome implements StoreReport {
  readonly added: PlacedDigest[] = []
  readonly mounted: PlacedDigest[] = []
  readonly tagged: PlacedTag[] = []
  readonly missing: PlacedDigest[] = []
  readonly moved: PlacedTag[] = []
  readonly singly: number

  constructor(singly: number) {
    this.singly = singly
  }

  add(outcome: ContentsOutcome): void {
    if (outcome.stored) {
      this.added.push(...outcome.added)
      this.mounted.push(...outcome.mounted)
      this.tagged.push(...outcome.tagged)
    } else {
      this.missing.push(...outcome.missing)
      this.moved.push(...outcome.moved)
    }
  }
}

/** Sends one request; what is refused together is sent again, each repository by a client of its own. */
async function storeGroup(
  group: readonly NamedContents[],
  clients: ReadonlyMap<string, RegistryClient>,
  outcome: Outcome,
): Promise<void> {
  const [first, ...others] = group
  const client = first && clients.get(first.repository)
  if (client === undefined) return
  const stored = await client.putContents(formatContentRequest(group)).catch((error: unknown) => {
    const mayDo = error instanceof OciError && error.code === 'REGISTRY_REFUSED' && others.length > 0
    if (mayDo) return undefined
    throw error
  })
  if (stored !== undefined && (stored.stored || others.length === 0)) outcome.add(stored)
  else for (const part of group) await storeGroup([part], clients, outcome)
}

async function storeSingly({ repository, contents }: ContentsOf): Promise<void> {
  const { blobs, others = [], manifests } = contents
  const source = memoryBlobs(blobs)
  const wanted = new Map(
    [...others.map(({ blob }) => blob), ...blobs.map(({ descriptor }) => descriptor)].map((blob) => [
      blob.digest,
      blob,
    ]),
  )
  await inParallel(TRANSFERS, [...wanted.values()], async (blob) => {
    await repository.ensureBlob(blob, source)
  })
  for (const stage of manifests) {
    await inParallel(TRANSFERS, stage, ({ document, reference }) => repository.putManifest(document, reference))
  }
}
