import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventKey } from '#factory'
import { TEST_SERVERS, testServers } from '#testkit'

const servers = testServers()
const at = '2026-11-22T12:00:00.000Z'

/** Milliseconds within which the work of a killed worker is taken over. */
const TAKEN_OVER = 8000

for (const server of TEST_SERVERS) {
  test(`the work of a killed worker is with another one within seconds, and with nobody before, ${server}`, async (t) => {
    const store = await servers.store(t, server)
    const event = { kind: 'asked', subject: 'base', key: eventKey('asked', 'base', 1), payload: {}, seen: at } as const
    const [{ id = 0 } = {}] = await store.events.record([event])
    const images = [{ image: 'base', after: [], reasons: [], held: undefined }]
    const run = await store.runs.start(await store.plans.record({ events: [id], images, made: at }), at)
    const program = `
      import { openStore } from ${JSON.stringify(join(import.meta.dirname, '../store.ts'))}
      const store = await openStore(${JSON.stringify(store.address)})
      await store.queue.take(() => { console.log('at it'); return new Promise(() => {}) }, { concurrency: 1, onError() {} })`
    const worker = spawn(process.execPath, ['--conditions=source', '--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.after(() => worker.kill('SIGKILL'))
    await store.work.send(run, [{ phase: 'make', images: ['base'], isBegun: false }])
    await once(worker.stdout, 'data')
    const taken = Promise.withResolvers<number>()
    const queue = await store.queue.take(async () => taken.resolve(performance.now()), {
      concurrency: 1,
      onError: taken.reject,
    })
    const isEarly = await Promise.race([taken.promise, new Promise((resolve) => setTimeout(resolve, 3000, 'nobody'))])
    assert.equal(isEarly, 'nobody')
    const killed = performance.now()
    worker.kill('SIGKILL')
    const milliseconds = (await taken.promise) - killed
    await queue.stop(1000)
    t.diagnostic(`taken over after ${Math.round(milliseconds)} ms`)
    assert.ok(milliseconds < TAKEN_OVER, `taken over after ${Math.round(milliseconds)} ms`)
  })
}
