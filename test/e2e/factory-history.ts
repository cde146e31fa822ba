import { keyTrust, parsePublicKey } from '#attest'
import type { Digest } from '#core'
import type { Release } from '#factory'
import { isEvidenceTag, parseReference, RegistryClient } from '#oci'
import type { OpenStore } from '#store'
import { RegistryPublisher } from '../../src/cli/factory/publisher.ts'

/** What became of some runs, and every release of their images in the order of their numbers, as `faultsOfHistory` wants them. */
export async function readHistory(
  { work, plans, runs: log, releases: released }: OpenStore,
  numbers: readonly number[],
) {
  const runs = []
  for (const run of numbers) {
    const state = await work.state(run)
    const plan = state && (await plans.read(state.plan))
    if (state === undefined || plan === undefined) throw new Error(`run ${run} is gone`)
    const ends = state.images.flatMap(({ image, end }) => (end === undefined ? [] : [{ image, ...end }]))
    runs.push({ run, plan, ends, records: await log.records(run) })
  }
  const images = new Set(runs.flatMap(({ plan }) => plan.images.map(({ image }) => image)))
  const releases = (await Promise.all([...images].map((image) => released.history(image, 'runtime', 100_000)))).flat()
  return { runs, releases: releases.sort((left, right) => left.id - right.id) }
}

/** The tags that the images of some releases have in a registry, and which digests of them are signed by a key. */
export async function readPublished(
  releases: readonly Release[],
  { home, publicKey }: { readonly home: string; readonly publicKey: string },
) {
  const publisher = new RegistryPublisher({ trust: keyTrust([parsePublicKey(publicKey, 'casemate.pub')], undefined) })
  const tags: { image: string; tag: string; digest: Digest }[] = []
  const signed = new Set<Digest>()
  for (const image of new Set(releases.map((one) => one.image))) {
    const repository = `${home}/${image}`
    const names = await tagsOf(repository)
    const digests = await publisher.resolve(names.map((tag) => ({ repository, tag })))
    for (const [at, tag] of names.entries()) {
      const digest = digests[at]
      if (digest === undefined) continue
      tags.push({ image, tag, digest })
      const manifests = releases.find((one) => one.digest === digest)?.manifests ?? []
      const candidate = { image, repository, digest, manifests: manifests.map((one) => ({ ...one, packages: [] })) }
      const isSigned = await publisher.verify(candidate).then(
        () => true,
        () => false,
      )
      if (isSigned) signed.add(digest)
    }
  }
  await publisher.close()
  return { tags, signed }
}

async function tagsOf(repository: string): Promise<readonly string[]> {
  const reference = parseReference(`docker://${repository}`)
  if (reference.transport !== 'docker') throw new Error(`${repository} is no repository`)
  const client = new RegistryClient(reference)
  const names = (await client.tags()).filter((tag) => !isEvidenceTag(tag))
  await client.close()
  return names
}
