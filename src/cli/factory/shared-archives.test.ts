import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testArchive } from '#testkit'
import { SharedArchives } from './shared-archives.ts'

test('an archive is opened once a run, and never shared with whoever has seen a newer state', async (t) => {
  const archive = await testArchive(t, { debs: [{ name: 'one' }] })
  const shared = new SharedArchives()
  t.after(() => shared.close())
  const read = () => archive.mirror.requests.length
  const first = await shared.open(1, archive.options)
  const asked = read()
  const second = await shared.open(1, archive.options)
  assert.equal(read(), asked)
  first.close()
  assert.equal(second.universe.versions('one').length, 1)
  await archive.publish({ name: 'one', version: '2.0' })
  const other = await shared.open(2, archive.options)
  assert.equal(other.universe.versions('one').length, 2)
  assert.equal((await shared.open(1, archive.options)).universe.versions('one').length, 1)

  const seen = { archive: archive.name, suite: archive.suite, date: '2999-01-01T00:00:00.000Z' }
  await assert.rejects(shared.open(2, { ...archive.options, floor: [seen] }), { code: 'SUITE_ROLLED_BACK' })
})
