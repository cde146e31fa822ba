import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type LookOutcome, type Poll, Scheduler, type WatchClock } from './scheduler.ts'

/** A clock that stands until it is told to go on. */
class TestClock implements WatchClock {
  #now = Date.parse('2026-11-22T12:00:00.000Z')
  readonly #sleepers = new Set<{ until: number; wake: () => void }>()
  readonly pauses: number[] = []

  now(): Date {
    return new Date(this.#now)
  }

  random(): number {
    return 0.5
  }

  async sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    this.pauses.push(milliseconds)
    await new Promise<void>((resolve, reject) => {
      const sleeper = { until: this.#now + milliseconds, wake: resolve }
      this.#sleepers.add(sleeper)
      signal.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper)
        reject(signal.reason)
      })
    })
  }

  async pass(milliseconds: number): Promise<void> {
    this.#now += milliseconds
    for (const sleeper of this.#sleepers) {
      if (sleeper.until > this.#now) continue
      this.#sleepers.delete(sleeper)
      sleeper.wake()
    }
    await settle()
  }
}

async function settle(): Promise<void> {
  for (let turns = 0; turns < 10; turns++) await turn()
}

const MINUTE = 60_000

test('everything is looked at at once, and then in its own interval', async () => {
  const clock = new TestClock()
  const looked: string[] = []
  const poll = (name: string, every: number): Poll => ({
    name,
    every,
    look: async () => {
      looked.push(name)
      return []
    },
  })
  const scheduler = new Scheduler([poll('often', MINUTE), poll('seldom', 5 * MINUTE)], { clock })
  scheduler.start()
  await settle()
  assert.deepEqual(looked.splice(0), ['often', 'seldom'])
  for (let minute = 0; minute < 5; minute++) await clock.pass(MINUTE)
  assert.deepEqual(looked.toSorted(), [...Array<string>(5).fill('often'), 'seldom'])
  await scheduler.stop()
  await clock.pass(60 * MINUTE)
  assert.equal(looked.length, 6, 'nothing after the end')
})

test('what has trouble is looked at soon again and then ever more seldom, and as usual when it is over', async () => {
  const clock = new TestClock()
  let well = false
  const outcomes: LookOutcome[] = []
  const look = async () => {
    if (!well) throw new Error('no answer')
    return []
  }
  const scheduler = new Scheduler([{ name: 'a', every: 5 * MINUTE, look }], {
    clock,
    onLook: (outcome) => outcomes.push(outcome),
  })
  scheduler.start()
  await settle()
  for (let looks = 0; looks < 9; looks++) await clock.pass(clock.pauses.at(-1) ?? 0)
  assert.deepEqual(
    clock.pauses.map((pause) => pause / 1000),
    [10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800],
  )
  assert.deepEqual(outcomes.at(-1)?.troubles, ['no answer'])
  assert.equal(outcomes.at(-1)?.failures, 10)
  well = true
  await clock.pass(30 * MINUTE)
  assert.deepEqual([outcomes.at(-1)?.failures, clock.pauses.at(-1)], [0, 5 * MINUTE])
  await scheduler.stop()
})

test('one that is asked for now is looked at once for all who ask, never twice at once, and after they asked', async () => {
  const clock = new TestClock()
  let under = 0
  let looks = 0
  let most = 0
  let end = () => {}
  const look = async () => {
    most = Math.max(most, ++under)
    looks++
    await new Promise<void>((resolve) => {
      end = resolve
    })
    under--
    return [`look ${looks}`]
  }
  const scheduler = new Scheduler([{ name: 'a', every: MINUTE, look }], { clock })
  assert.equal(await scheduler.lookNow('a'), undefined, 'it does not run yet')
  scheduler.start()
  await settle()
  const asked = [scheduler.lookNow('a'), scheduler.lookNow('a'), scheduler.lookNow('a')]
  end()
  await settle()
  end()
  assert.deepEqual(await Promise.all(asked), [['look 2'], ['look 2'], ['look 2']])
  await settle()
  const later = scheduler.lookNow('a')
  await settle()
  end()
  assert.deepEqual(await later, ['look 3'])
  assert.equal(most, 1)
  assert.equal(await scheduler.lookNow('nobody'), undefined)
  await scheduler.stop()
})

test('a stop tells the looks that are under way, waits for them, and leaves nobody waiting', async () => {
  const clock = new TestClock()
  let ended = false
  const look = async (signal: AbortSignal) => {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    await turn()
    ended = true
    return []
  }
  const scheduler = new Scheduler([{ name: 'a', every: MINUTE, look }], { clock })
  scheduler.start()
  await settle()
  const asked = scheduler.lookNow('a')
  await scheduler.stop()
  assert.equal(ended, true)
  assert.equal(await asked, undefined)
  assert.equal(await scheduler.lookNow('a'), undefined)
})

test('a hint has something looked at before its time, and the interval begins anew', async () => {
  const clock = new TestClock()
  let looks = 0
  let hinted = () => {}
  let ends: AbortSignal | undefined
  const look = async () => {
    looks++
    return []
  }
  const hint: Poll['hint'] = (changed, signal) => {
    hinted = changed
    ends = signal
  }
  const scheduler = new Scheduler([{ name: 'definitions', every: MINUTE, look, hint }], { clock })
  scheduler.start()
  await settle()
  assert.equal(looks, 1)
  await clock.pass(MINUTE / 2)
  hinted()
  await settle()
  assert.equal(looks, 2)
  await clock.pass(MINUTE / 2)
  assert.equal(looks, 2)
  await clock.pass(MINUTE / 2)
  assert.equal(looks, 3, 'without a hint it is looked at all the same')
  await scheduler.stop()
  assert.equal(ends?.aborted, true)
  hinted()
  await settle()
  assert.equal(looks, 3)
})
