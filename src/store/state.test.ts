import assert from 'node:assert/strict'
import { test } from 'node:test'
import { databaseFolder, serverOptions, testServers } from '#testkit'
import { showAddress } from './address.ts'
import { openState, statePlace } from './state.ts'

const servers = testServers()
const note = { kind: 'event', subject: 'x', body: 1, at: '2026-11-21T12:00:00.000Z' }

test('the environment says where the memory is', () => {
  assert.deepEqual(statePlace({}, './state'), { embedded: { folder: './state' } })
  const named = { CASEMATE_POSTGRES: '/opt/pg/bin', CASEMATE_POSTGRES_USER: 'postgres', CASEMATE_DATABASE: '' }
  assert.deepEqual(statePlace(named, './state'), {
    embedded: { folder: './state', programs: '/opt/pg/bin', user: 'postgres' },
  })
  const place = statePlace({ ...named, CASEMATE_DATABASE: 'postgres://u:p@db.example.org/state' }, './state')
  assert.ok('address' in place && showAddress(place.address) === 'postgres://u@db.example.org:5432/state')
  assert.throws(() => statePlace({ CASEMATE_DATABASE: 'sqlite:x' }, '.'), { code: 'DATABASE_INVALID' })
})

test('one process runs the embedded database, others use it meanwhile, and the next one starts it again', async (t) => {
  const place = { embedded: serverOptions('embedded', databaseFolder(t)) }
  await assert.rejects(openState(place), { code: 'DATABASE_FAILED', message: /there is none/ })
  const owner = await openState(place, { create: true })
  const guest = await openState(place)
  assert.deepEqual([owner.postgres !== undefined, guest.postgres], [true, undefined])
  await guest.store.ledger.append([note])
  await guest.close()
  assert.equal((await owner.store.ledger.tip()).sequence, 1)
  await owner.close()
  const next = await openState(place)
  t.after(() => next.close())
  assert.equal((await next.store.ledger.tip()).sequence, 1)
})

test('a database that somebody else runs is used by its address, and not stopped', async (t) => {
  const address = await servers.database('debian')
  const { store, postgres, close } = await openState({ address })
  assert.equal(postgres, undefined)
  await store.ledger.append([note])
  await close()
  const again = await openState({ address })
  t.after(() => again.close())
  assert.equal((await again.store.ledger.tip()).sequence, 1)
})
