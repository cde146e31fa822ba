import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { chainNotes, eventKey, LEDGER_START, LedgerCheck, type NewEvent, type Plan, type StageRecord } from '#factory'
import { TEST_SERVERS, testServers } from '#testkit'
import { TABLES } from './backup/format.ts'

const servers = testServers()
const at = '2026-11-21T12:00:00.123Z'
const later = '2026-11-21T12:05:00.000Z'

function archiveChanged(state: string): NewEvent {
  const subject = 'debian-13/trixie-security'
  const payload = { to: state, packages: [{ name: 'libssl3t64', from: null, to: '3.5.7-1' }] }
  return { kind: 'archive-changed', subject, key: eventKey('archive-changed', subject, state), payload, seen: at }
}

function planOf(events: readonly number[], images: readonly string[] = ['base', 'python']): Plan {
  return {
    events,
    images: images.map((image, index) => ({
      image,
      after: images.slice(0, index),
      reasons: events.map((event) => ({
        event,
        advisories: ['CVE-2026-1000'],
        changes: [{ package: 'libssl3t64', from: '3.5.6-1', to: '3.5.7-1' }],
      })),
      held: index === 0 ? undefined : { by: 'hold', reason: 'release week', until: later },
    })),
    made: at,
  }
}

for (const server of TEST_SERVERS) {
  test(`an event that is noticed twice is recorded once, ${server}`, async (t) => {
    const { events } = await servers.store(t, server)
    const [first] = await events.record([archiveChanged('one')])
    const again = await events.record([{ ...archiveChanged('one'), seen: later }, archiveChanged('two')])
    assert.deepEqual(again[0], first)
    assert.deepEqual(first, { ...archiveChanged('one'), id: first?.id })
    assert.deepEqual(await events.open(10), again)
  })

  test(`two who notice the same things at once record each once, ${server}`, async (t) => {
    const { events } = await servers.store(t, server)
    const all = Array.from({ length: 50 }, (_, number) => archiveChanged(String(number)))
    const [some, others] = await Promise.all([events.record(all), events.record(all.toReversed())])
    assert.deepEqual(some, others?.toReversed())
    assert.equal((await events.open(100)).length, 50)
  })

  test(`a plan answers its events, and made again is the same, ${server}`, async (t) => {
    const { events, plans } = await servers.store(t, server)
    const recorded = await events.record([archiveChanged('one'), archiveChanged('two')])
    const plan = planOf(recorded.map(({ id }) => id))
    const id = await plans.record(plan)
    assert.equal(await plans.record({ ...plan, made: later }), id)
    assert.deepEqual(await plans.read(id), plan)
    assert.deepEqual(await events.open(10), [])
    assert.equal(await plans.read(id + 1), undefined)
    await assert.rejects(plans.record(planOf([1000])), { code: 'RECORD_REFUSED' })
  })

  test(`a stage that was done with an input need not be done again, ${server}`, async (t) => {
    const { events, plans, runs } = await servers.store(t, server)
    const plan = await plans.record(planOf((await events.record([archiveChanged('one')])).map(({ id }) => id)))
    const run = await runs.start(plan, at)
    const input = digestOf('what it reads')
    const key = { run, image: 'base', stage: 'build', attempt: 1, input, worker: 'laptop 1', at } as const
    const records: StageRecord[] = [
      { ...key, state: 'started' },
      { ...key, state: 'done', output: { digest: digestOf('image') } },
      { ...key, image: 'python', state: 'failed', reason: 'no space is left' },
    ]
    await runs.record(records.slice(0, 1))
    assert.equal(await runs.outputFor('build', input), undefined)
    await runs.record(records)
    await runs.record([{ ...key, state: 'done', output: 'another word' }])
    assert.deepEqual(await runs.records(run), records)
    assert.deepEqual(await runs.outputFor('build', input), { digest: digestOf('image') })
    assert.equal(await runs.outputFor('test', input), undefined)
  })

  test(`holds end once, or by themselves, ${server}`, async (t) => {
    const { decisions } = await servers.store(t, server)
    const hold = { image: 'python', reason: 'release week', by: 'team-a', placed: at, until: later }
    const one = await decisions.hold(hold)
    const all = await decisions.hold({ ...hold, image: undefined, until: undefined })
    assert.deepEqual(
      (await decisions.holds(at)).map(({ id, image }) => [id, image]),
      [
        [one, 'python'],
        [all, undefined],
      ],
    )
    assert.deepEqual(
      (await decisions.holds(later)).map(({ id }) => id),
      [all],
    )
    await decisions.endHold(all, 'team-b', at)
    await decisions.endHold(all, 'team-c', later)
    assert.deepEqual(await decisions.holds(later), [])
    await assert.rejects(decisions.endHold(1000, 'team-a', at), { code: 'RECORD_REFUSED' })
  })

  test(`of a clock's mark the first word counts, ${server}`, async (t) => {
    const { clocks } = await servers.store(t, server)
    const mark = { finding: 'CVE-2026-1000 openssl', image: 'python', mark: 'fix-available', at } as const
    await clocks.record([mark])
    await clocks.record([
      { ...mark, at: later },
      { ...mark, mark: 'published', at: later },
    ])
    assert.deepEqual(await clocks.ofImage('python'), [mark, { ...mark, mark: 'published', at: later }])
  })

  test(`writers of the ledger make one chain, ${server}`, async (t) => {
    const { ledger } = await servers.store(t, server)
    const note = (subject: string) => ({ kind: 'event', subject, body: { b: [1, { c: 'ü\n' }], a: null }, at })
    await Promise.all(
      Array.from({ length: 20 }, (_, number) => ledger.append([note(`a${number}`), note(`b${number}`)])),
    )
    const check = new LedgerCheck()
    for (const entry of await ledger.read(0, 1000)) check.add(entry)
    assert.deepEqual(check.tip, await ledger.tip())
    assert.equal(check.tip.sequence, 40)
    assert.deepEqual(await ledger.read(39, 10), [(await ledger.read(0, 40)).at(-1)])
  })

  test(`what a transaction recorded is gone when it fails, ${server}`, async (t) => {
    const store = await servers.store(t, server)
    const note = { kind: 'event', subject: 'x', body: 1, at }
    await assert.rejects(
      store.transaction(async ({ events, ledger }) => {
        await events.record([archiveChanged('one')])
        await ledger.append([note])
        throw new Error('no')
      }),
      /^Error: no$/,
    )
    assert.deepEqual(await store.events.open(10), [])
    assert.deepEqual(await store.ledger.tip(), LEDGER_START)
    const entries = await store.transaction(({ ledger }) => ledger.append([note]))
    assert.deepEqual(entries, chainNotes(LEDGER_START, [note]))
  })

  test(`history cannot be edited, not by its owner either, ${server}`, async (t) => {
    // What is now, which changes; it is in backups because nothing else says it.
    const states = ['watched', 'subscriber', 'undelivered'] as const
    const { database, ledger } = await servers.store(t, server)
    await ledger.append([{ kind: 'event', subject: 'x', body: 1, at }])
    const tables = await database.query<{ name: string }>(
      'list tables',
      `select table_name as name from information_schema.tables
       where table_schema = 'casemate' and table_type = 'BASE TABLE' and table_name not in
         ('migration', 'image_head', 'head_manifest', ${states.map((name) => `'${name}'`).join(', ')})`,
    )
    assert.equal(tables.length, TABLES.length - states.length)
    for (const { name } of tables)
      await assert.rejects(database.query('empty', `truncate casemate.${name} cascade`), /never changed or removed/)
    await assert.rejects(database.query('edit', "update casemate.ledger_entry set subject = 'y'"), /never changed/)
    await assert.rejects(database.query('remove', 'delete from casemate.ledger_entry'), /never changed/)
  })

  test(`text that PostgreSQL cannot hold is refused and not changed, ${server}`, async (t) => {
    const { events } = await servers.store(t, server)
    for (const payload of ['\u0000', '\ud800']) {
      await assert.rejects(events.record([{ ...archiveChanged('one'), payload }]), { code: 'RECORD_REFUSED' })
    }
    assert.deepEqual(await events.open(10), [])
  })
}
