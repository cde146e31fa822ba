import { join } from 'node:path'
import type { InventoryPlace } from '#factory'
import {
  fetchRunningContainers,
  GitRepository,
  type InventorySource,
  parseClusterPods,
  readClusterPods,
  readManifests,
} from '#integrations'

/** What the settings name as places that say what runs; what is fetched of repositories is kept below a folder. Throws `GIT_REFUSED`. */
export function inventorySources(places: readonly InventoryPlace[], folder: string): readonly InventorySource[] {
  return places.map((place) => sourceOf(place, folder))
}

function sourceOf(place: InventoryPlace, folder: string): InventorySource {
  switch (place.kind) {
    case 'cluster':
      return {
        name: place.url,
        read: async (signal) => digestsOf(await fetchRunningContainers(place, signal)),
      }
    case 'kubectl': {
      const { context } = place
      const name = context === undefined ? 'kubectl' : `kubectl ${context}`
      const options = context === undefined ? {} : { context }
      return {
        name,
        read: async (signal) => digestsOf(parseClusterPods(await readClusterPods(process.env, signal, options), name)),
      }
    }
    case 'folder':
      return { name: place.folder, read: () => namedIn(place.folder) }
    case 'git': {
      const repository = new GitRepository(place, { folder: join(folder, 'manifests'), environment: process.env })
      return {
        name: place.url,
        read: async (signal) => namedIn(await repository.checkOut(await repository.fetch(signal), signal)),
      }
    }
  }
}

async function namedIn(folder: string) {
  return digestsOf((await readManifests(folder)).images)
}

function digestsOf(
  found: Awaited<ReturnType<typeof readManifests>>['images'] | Awaited<ReturnType<typeof fetchRunningContainers>>,
) {
  return found.flatMap(({ image }) => image.digest ?? [])
}
