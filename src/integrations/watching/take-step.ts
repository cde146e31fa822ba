import {
  type FactoryEvent,
  type FactoryStore,
  type NewEvent,
  type NewMessage,
  noteEvents,
  type Watched,
  type WatchStep,
} from '#factory'
import { IntegrationError } from '../errors.ts'

/** Where a watch is moved to, with what that step records. */
export interface StepWithEvents extends WatchStep {
  readonly events: readonly NewEvent[]
  /** What is told of the step beside what its events tell. */
  readonly messages?: readonly NewMessage[]
}

/** Whoever overtakes has recorded a step, so more often than this would be a fault. */
const TRIES = 10

/**
 * Takes a step of a watch: reads what was recorded, has `decide` compare, and records where it goes with the events of the step in
 * one transaction. Where another scheduler was first, all of it is done again. Gives the events that nobody had recorded.
 * `decide` gives `undefined` where nothing changed. Rejects as it does, as the store does, and with `WATCH_OVERTAKEN`.
 */
export async function takeStep(
  store: FactoryStore,
  watch: string,
  decide: (before: Watched | undefined) => StepWithEvents | undefined | Promise<StepWithEvents | undefined>,
): Promise<readonly FactoryEvent[]> {
  for (let tried = 0; tried < TRIES; tried++) {
    const before = await store.watches.read(watch)
    const step = await decide(before)
    if (step === undefined) return []
    const { events, messages = [], ...to } = step
    const noted = await store.transaction(async (logs) => {
      if (!(await logs.watches.move(watch, before?.revision ?? 0, to))) return undefined
      await logs.outbox.add(messages)
      return noteEvents(logs, events)
    })
    if (noted !== undefined) return noted
  }
  throw new IntegrationError('WATCH_OVERTAKEN', `cannot move ${watch} on: others were first ${TRIES} times`)
}
