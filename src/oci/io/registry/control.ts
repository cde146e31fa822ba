import { OciError } from '../../errors.ts'
import { type CollectOptions, type CollectReport, collectGarbage } from './collect.ts'
import { askHolder } from './folder-lock.ts'
import { type ScrubReport, scrub } from './scrub.ts'
import { RegistryStore } from './store.ts'

/** What the process that serves a folder does for others. */
export async function answerControl(store: RegistryStore, name: string, parameters: URLSearchParams): Promise<unknown> {
  if (name === 'scrub') return await scrub(store)
  if (name !== 'gc') throw new OciError('STORE_FAILED', `cannot do "${name}": this version does not know it`)
  return await collectGarbage(store, { grace: Number(parameters.get('grace')), untagged: parameters.has('untagged') })
}

/** Collects garbage in a registry's folder, through the process that serves it where there is one. */
export async function collectGarbageIn(folder: string, options: CollectOptions): Promise<CollectReport> {
  const parameters = new URLSearchParams({
    grace: String(options.grace),
    ...(options.untagged ? { untagged: '' } : {}),
  })
  // The process that answers runs `answerControl`.
  const answer = (await askHolder(folder, 'gc', parameters)) as CollectReport | undefined
  return answer ?? (await withStore(folder, (store) => collectGarbage(store, options)))
}

/** Reads everything in a registry's folder again, through the process that serves it where there is one. */
export async function scrubFolder(folder: string): Promise<ScrubReport> {
  const answer = (await askHolder(folder, 'scrub')) as ScrubReport | undefined
  return answer ?? (await withStore(folder, scrub))
}

async function withStore<Result>(folder: string, work: (store: RegistryStore) => Promise<Result>): Promise<Result> {
  const store = await RegistryStore.open(folder)
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}
