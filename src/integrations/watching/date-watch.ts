import { type FactoryEvent, type FactoryStore, noteEvents, type SupportedImage, supportEvents } from '#factory'

/** Records whose support ends soon or has ended, each time that is due once. Rejects as the store does. */
export async function pollDates(
  store: FactoryStore,
  images: readonly SupportedImage[],
  now: Date,
): Promise<readonly FactoryEvent[]> {
  const events = supportEvents(images, now.toISOString())
  if (events.length === 0) return []
  return store.transaction((logs) => noteEvents(logs, events))
}
