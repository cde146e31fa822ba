import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Digest, digestOf, type Json } from '#core'
import type { OpenStore } from '#store'
import { TEST_SERVERS, type TestServer, testServers } from '#testkit'
import { eventKey } from '../event.ts'
import type { FactoryStore } from '../ports.ts'
import { Engine, recoverRuns, startRun } from './engine.ts'
import {
  type Candidate,
  ENGINE_DEFAULTS,
  type EngineNews,
  type EnginePorts,
  type EngineSettings,
  type MakingStage,
  type PreparedStage,
  type StageWork,
  type TagMove,
  type TagName,
} from './ports.ts'

const servers = testServers()
const HOME = 'registry.example.org'
const now = () => new Date().toISOString()

const pause = (milliseconds: number, signal: AbortSignal) =>
  sleep(milliseconds, undefined, { signal, ref: false }).catch(() => undefined)

/** Something that passes. */
class Outage extends Error {}

type Say = (stage: MakingStage, work: StageWork) => 'refuse' | 'fail' | 'break' | undefined

/** A factory whose images are words: what an image is hangs on the state of the world and on what its parents are. */
async function wordFactory(t: TestContext, server: TestServer) {
  const store = await servers.store(t, server)
  const tags = new Map<string, Digest>()
  const done: string[] = []
  const moved: string[][] = []
  const news: string[] = []
  const world = {
    state: 'old',
    say: (() => undefined) as Say,
    unsigned: new Set<string>(),
    beforeMove: (_moves: readonly TagMove[]) => {},
  }
  const prepare = async (stage: MakingStage, work: StageWork): Promise<PreparedStage> => {
    const parents = [...work.parents].map(([, { build }]) => build ?? null)
    const input: Json = { stage, image: work.image, state: world.state, before: work.outputs.build ?? null, parents }
    return {
      input,
      async perform() {
        const said = world.say(stage, work)
        if (said === 'break') throw new Outage('the network is down')
        if (said === 'fail') throw new Error('it makes no sense')
        if (said === 'refuse') return { kind: 'refused', reason: 'exit code 1' }
        done.push(`${stage} ${work.image}`)
        return { kind: 'done', output: stage === 'build' ? digestOf(JSON.stringify(input)) : {} }
      },
      stands: async () => true,
    }
  }
  const ports = {
    store,
    stages: {
      prepare,
      candidates: async ({ image, outputs }: StageWork) => {
        const digest = outputs.build as Digest
        const manifests = [{ platform: 'linux/amd64', digest, packages: [] }]
        const lock = digestOf(image)
        return [
          { image, variant: 'runtime', digest, lock, tags: ['1', '1.0'], manifests, repository: `${HOME}/${image}` },
        ]
      },
    },
    publisher: {
      resolve: async (names: readonly TagName[]) =>
        names.map(({ repository, tag }) => tags.get(`${repository}:${tag}`)),
      async verify({ image, digest }: Pick<Candidate, 'image' | 'digest'>) {
        if (world.unsigned.has(image)) throw new Error('nobody who is trusted has signed it')
        return { 'https://example.org/signature': digest }
      },
      async move(moves: readonly TagMove[]) {
        world.beforeMove(moves)
        if (moves.some(({ repository, tag, expected }) => tags.get(`${repository}:${tag}`) !== expected)) return false
        for (const { repository, tag, next } of moves) tags.set(`${repository}:${tag}`, next)
        moved.push(moves.map(({ repository, tag }) => `${repository.slice(HOME.length + 1)}:${tag}`))
        return true
      },
    },
    clock: { now, sleep: pause },
    canPass: (error: unknown) => error instanceof Outage,
    worker: 'test',
    onNews: (one: EngineNews) => void (one.kind === 'ended' && news.push(`${one.image} ${one.state}: ${one.reason}`)),
  }
  const start = () => startAll(store)
  const settle = () => settleAll(ports)
  return { store, ports, world, tags, done, moved, news, start, settle }
}

let asked = 0

/** Starts a run of `base`, `python` and `nginx` on it, and `static`. */
async function startAll(store: FactoryStore): Promise<number> {
  const event = {
    kind: 'asked',
    subject: 'all',
    key: eventKey('asked', 'all', ++asked),
    payload: {},
    seen: now(),
  } as const
  const [{ id = 0 } = {}] = await store.events.record([event])
  const reasons = [{ event: id, advisories: ['CVE-2026-1000'], changes: [{ package: 'openssl' }] }]
  const images = [
    { image: 'base', after: [] },
    { image: 'static', after: [] },
    { image: 'python', after: ['base'] },
    { image: 'nginx', after: ['base'] },
  ]
  const plan = { events: [id], images: images.map((one) => ({ ...one, reasons, held: undefined })), made: now() }
  return await startRun(store, await store.plans.record(plan), now())
}

/** Works until no run is open; gives what the queue was told of. */
async function settleAll(
  ports: EnginePorts & { readonly store: OpenStore },
  patience: Partial<EngineSettings> = { backOff: 1, attempts: 3 },
): Promise<unknown[]> {
  const { store } = ports
  const engine = new Engine(ports, patience)
  const errors: unknown[] = []
  const queue = await store.queue.take((message, signal) => engine.perform(message, signal), {
    concurrency: 3,
    onError: (error) => errors.push(error),
  })
  while ((await store.work.open()).length > 0 && errors.length < 10) {
    await sleep(20)
  }
  await queue.stop(5000)
  return errors
}

for (const server of TEST_SERVERS) {
  test(`a family is released when all of it was gated, its tags in one go, and everything is on record, ${server}`, async (t) => {
    const { store, start, settle, moved, tags, done } = await wordFactory(t, server)
    const run = await start()
    assert.equal((await settle()).length, 0)
    assert.deepEqual(
      moved.toSorted((one, other) => one.length - other.length),
      [
        ['static:1', 'static:1.0'],
        ['base:1', 'base:1.0', 'python:1', 'python:1.0', 'nginx:1', 'nginx:1.0'],
      ],
    )
    assert.ok(done.indexOf('gate base') < done.indexOf('lock python'))
    const python = await store.releases.latest('python', 'runtime')
    assert.equal(python?.digest, tags.get(`${HOME}/python:1`))
    assert.equal(python?.run, run)
    assert.deepEqual(Object.keys(python?.evidence ?? {}), ['https://example.org/signature'])
    const marks = (await store.clocks.ofImage('python')).map(({ finding, mark }) => `${finding} ${mark}`).sort()
    assert.deepEqual(
      marks,
      ['built', 'gated', 'published'].map((mark) => `CVE-2026-1000 openssl ${mark}`),
    )
    const notes = (await store.ledger.read(0, 100)).map(({ kind, subject }) => `${kind} ${subject}`).sort()
    assert.deepEqual(
      notes,
      ['base', 'nginx', 'python', 'static'].map((image) => `release ${image}`),
    )
    const events = (await store.events.open(10)).map(({ kind, subject }) => `${kind} ${subject}`).sort()
    assert.deepEqual(
      events,
      ['base', 'nginx', 'python', 'static'].map((image) => `parent-released ${image}`),
    )
    const [told] = await store.outbox.latest('python', 10)
    assert.equal(told?.title, 'python 1 is published: closes CVE-2026-1000, first release')
  })

  test(`the same again does nothing; a changed world is released anew, ${server}`, async (t) => {
    const { store, start, settle, moved, news, done, world } = await wordFactory(t, server)
    await start()
    await settle()
    const [releases, work] = [moved.length, done.length]
    news.length = 0
    await start()
    assert.equal((await settle()).length, 0)
    assert.deepEqual([moved.length, done.length], [releases, work])
    assert.match(news.toSorted()[0] ?? '', /^base done: nothing to publish: it is what release \d+ is$/)
    world.state = 'new'
    await start()
    await settle()
    assert.equal((await store.releases.history('base', 'runtime', 10)).length, 2)
  })

  test(`what fails is told with its stage, and holds what is built on it alone, ${server}`, async (t) => {
    const { start, settle, moved, news, world, store } = await wordFactory(t, server)
    world.say = (stage, { image }) => (stage === 'test' && image === 'python' ? 'refuse' : undefined)
    world.unsigned.add('static')
    const run = await start()
    assert.equal((await settle()).length, 0)
    assert.deepEqual(moved, [['base:1', 'base:1.0', 'nginx:1', 'nginx:1.0']])
    assert.deepEqual(news.filter((line) => line.includes('failed')).sort(), [
      'python failed: test: exit code 1',
      'static failed: publish: nobody who is trusted has signed it',
    ])
    const records = await store.runs.records(run, ['python'])
    assert.deepEqual(records.map(({ stage, state }) => `${stage} ${state}`).slice(-2), ['test started', 'test failed'])
    assert.equal((await store.ledger.read(0, 100)).filter(({ kind }) => kind === 'stage').length, 2)
    const told = (await store.outbox.latest(undefined, 10)).filter(({ kind }) => kind === 'failed')
    assert.deepEqual(told.map(({ title }) => title).sort(), [
      'python could not be released: test: exit code 1',
      'static could not be released: publish: nobody who is trusted has signed it',
    ])
  })

  test(`what passes is tried again, and no longer than is allowed; what cannot pass is not, ${server}`, async (t) => {
    const { start, settle, news, world, store } = await wordFactory(t, server)
    let broken = 2
    world.say = (stage, { image }) => {
      if (stage === 'build' && image === 'base' && broken-- > 0) return 'break'
      if (stage === 'lock' && image === 'python') return 'break'
      return stage === 'gate' && image === 'nginx' ? 'fail' : undefined
    }
    const run = await start()
    assert.equal((await settle()).length, 0)
    const attempts = async (image: string, stage: string) => {
      const records = await store.runs.records(run, [image])
      return records.filter((record) => record.stage === stage && record.state === 'failed').length
    }
    assert.equal(await attempts('base', 'build'), 2)
    assert.equal(await attempts('python', 'lock'), 3)
    assert.equal(await attempts('nginx', 'gate'), 1)
    assert.deepEqual(news.filter((line) => line.includes('failed')).sort(), [
      'nginx failed: gate: it makes no sense',
      'python failed: lock: the network is down',
    ])
    assert.equal((await store.releases.latest('base', 'runtime'))?.run, run)
  })

  test(`a tag that somebody else moves meanwhile is looked at again, and not overwritten, ${server}`, async (t) => {
    const { start, settle, news, world, tags, store } = await wordFactory(t, server)
    const foreign = digestOf('foreign')
    world.beforeMove = (moves) => {
      if (moves.some(({ repository }) => repository.endsWith('nginx'))) tags.set(`${HOME}/nginx:1`, foreign)
    }
    await start()
    assert.equal((await settle()).length, 0)
    assert.equal(tags.get(`${HOME}/nginx:1`), foreign)
    const lost = news.filter((line) => line.startsWith('nginx'))
    assert.match(
      lost[0] ?? '',
      /^nginx failed: publish: registry\.example\.org\/nginx:1 names sha256:.*nothing that was released here$/,
    )
    assert.equal(tags.get(`${HOME}/base:1`), (await store.releases.latest('base', 'runtime'))?.digest)
  })

  test(`a run that is cancelled ends with that word, and moves nothing, ${server}`, async (t) => {
    const { start, settle, news, moved, store } = await wordFactory(t, server)
    const run = await start()
    await store.runs.cancel(run, { by: 'ada', reason: 'a mistake', at: now() })
    assert.equal((await settle()).length, 0)
    assert.deepEqual(moved, [])
    assert.equal(news.filter((line) => line.endsWith('ada has cancelled the run: a mistake')).length, 4)
  })

  test(`who is told to stop hands back, and another goes on from there, ${server}`, async (t) => {
    const { start, settle, done, world, ports, store } = await wordFactory(t, server)
    await start()
    const stop = new AbortController()
    world.say = (stage) => {
      if (stage === 'test') stop.abort()
      return undefined
    }
    const engine = new Engine(ports)
    const [run = 0] = await store.work.open()
    await assert.rejects(engine.perform({ run, batch: 1 }, stop.signal), { code: 'WORK_HANDED_BACK' })
    world.say = () => undefined
    assert.equal((await settle()).length, 0)
    assert.equal(done.filter((line) => line === 'build base').length, 1)
    assert.equal((await store.releases.latest('base', 'runtime'))?.run, run)
  })

  test(`a clock that jumps by days, forth and back, ends nothing too early and changes no order, ${server}`, async (t) => {
    const { start, ports, store, moved } = await wordFactory(t, server)
    let jumps = 0
    const jumping = () => new Date(Date.now() + (++jumps % 3) * 3 * 86_400_000 - 4 * 86_400_000).toISOString()
    await start()
    assert.equal((await settleAll({ ...ports, clock: { now: jumping, sleep: pause } })).length, 0)
    assert.equal(moved.length, 2)
    for (const image of ['base', 'static', 'python', 'nginx']) {
      assert.equal((await store.releases.history(image, 'runtime', 10)).length, 1)
    }
  })

  test(`a stage that takes too long is tried again, and told, ${server}`, async (t) => {
    const { start, ports, news, store } = await wordFactory(t, server)
    const { stages } = ports
    const prepare: typeof stages.prepare = async (stage, work) => {
      const prepared = await stages.prepare(stage, work)
      const isStuck = stage === 'build' && work.image === 'static'
      return isStuck ? { ...prepared, perform: () => new Promise(() => undefined) } : prepared
    }
    const run = await start()
    const patience = { timeOut: 50, attempts: 2, backOff: 1 }
    assert.equal((await settleAll({ ...ports, stages: { ...stages, prepare } }, patience)).length, 0)
    assert.deepEqual(
      news.filter((line) => line.startsWith('static')),
      ['static failed: build: cannot go on: it took more than 0 s'],
    )
    const records = await store.runs.records(run, ['static'])
    assert.equal(records.filter(({ state }) => state === 'failed').length, 2)
  })

  test(`a reason with what no database takes and no terminal should obey is recorded all the same, ${server}`, async (t) => {
    const { start, ports, news, store } = await wordFactory(t, server)
    const { stages } = ports
    const prepare: typeof stages.prepare = async (stage, work) => {
      if (stage === 'test' && work.image === 'static') throw new Error(`\u0000\u001b[2J\ud800${'x'.repeat(1_000_000)}`)
      return await stages.prepare(stage, work)
    }
    const run = await start()
    assert.equal((await settleAll({ ...ports, stages: { ...stages, prepare } })).length, 0)
    assert.match(
      news.find((line) => line.startsWith('static')) ?? '',
      /^static failed: test: \\u0000\\u001b\[2J\ufffdx+…$/,
    )
    assert.deepEqual(await store.work.open(), [])
    assert.ok((await store.runs.records(run, ['static'])).some(({ state }) => state === 'failed'))
  })

  test(`an image that ends its workers is given up, ${server}`, async (t) => {
    const { start, settle, news, store } = await wordFactory(t, server)
    const run = await start()
    const place = { run, image: 'static', stage: 'build', input: digestOf('in'), worker: 'gone', at: now() } as const
    await store.runs.record(
      Array.from(
        { length: ENGINE_DEFAULTS.deaths },
        (_, at) => ({ ...place, attempt: at + 1, state: 'started' }) as const,
      ),
    )
    assert.equal((await settle()).length, 0)
    assert.match(
      news.find((line) => line.startsWith('static')) ?? '',
      /static failed: build: 20 workers have ended in the middle of it/,
    )
  })

  test(`messages that come twice do their work once, ${server}`, async (t) => {
    const { start, settle, moved, ports, store, tags } = await wordFactory(t, server)
    const run = await start()
    assert.equal(await startRun(store, (await store.work.state(run))?.plan ?? 0, now()), run)
    const engines = [new Engine(ports), new Engine(ports)]
    const signal = new AbortController().signal
    for (let batch = 1; await store.work.batch({ run, batch }); batch++) {
      await Promise.all(engines.map((engine) => engine.perform({ run, batch }, signal)))
    }
    assert.deepEqual(await store.work.open(), [])
    assert.equal((await settle()).length, 0)
    assert.equal(moved.length, 2)
    assert.equal((await store.releases.history('base', 'runtime', 10)).length, 1)
    assert.equal(tags.size, 8)
  })

  test(`what the queue has lost is handed out again, ${server}`, async (t) => {
    const { start, settle, moved, store } = await wordFactory(t, server)
    await start()
    await store.database.query('lose the queue', 'delete from casemate_queue.job')
    await recoverRuns(store, now())
    await recoverRuns(store, now())
    assert.equal((await settle()).length, 0)
    assert.equal(moved.length, 2)
  })
}
