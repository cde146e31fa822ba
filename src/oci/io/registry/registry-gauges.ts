import type { Gauge } from '../../registry/metrics.ts'
import type { RegistryStore } from './store.ts'
import type { Uploads } from './uploads.ts'

/** What the metrics page shows of the state. */
export function registryGauges({ state, counts }: RegistryStore, uploads: Uploads): Gauge[] {
  const gauge = (name: string, help: string, value: () => number): Gauge => ({
    name: `casemate_registry_${name}`,
    help,
    type: name.endsWith('_total') ? 'counter' : 'gauge',
    value,
  })
  const damaged = () => [...state.contents.values()].filter((content) => content.damaged).length
  return [
    gauge('repositories', 'Repositories.', () => state.repositories.size),
    gauge('contents', 'Blobs and manifests, each counted once.', () => state.contents.size),
    gauge('damaged_contents', 'Contents that are missing or damaged.', damaged),
    gauge('uploads', 'Uploads under way.', () => uploads.count),
    gauge('journal_batches_total', 'Batches that were made durable.', () => counts.batches),
    gauge('journal_records_total', 'Changes in those batches.', () => counts.records),
    gauge('checkpoints_total', 'Times that the journal was turned into files.', () => counts.checkpoints),
    gauge('packs_total', 'Times that small contents left the memory for a pack.', () => counts.packs),
  ]
}
