import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { eventKey } from './event.ts'
import { planDigest } from './plan.ts'
import { contentsDigest } from './release.ts'
import { imageProgress, type StageRecord } from './run.ts'

const at = '2026-11-21T12:00:00.000Z'

test('the same state of the same thing is the same event, however it is written', () => {
  const key = eventKey('advisory-changed', 'CVE-2026-1000', { a: 1, b: [2] })
  assert.equal(eventKey('advisory-changed', 'CVE-2026-1000', { b: [2], a: 1 }), key)
  assert.notEqual(eventKey('advisory-changed', 'CVE-2026-1000', { a: 2, b: [2] }), key)
  assert.notEqual(eventKey('definition-changed', 'CVE-2026-1000', { a: 1, b: [2] }), key)
})

test('a plan is what it says, whenever it was made', () => {
  const plan = { events: [1], images: [{ image: 'base', after: [], reasons: [], held: undefined }], made: at }
  assert.equal(planDigest(plan), planDigest({ ...plan, made: '2026-11-22T12:00:00.000Z' }))
  const held = { by: 'policy', reason: 'frozen' } as const
  assert.notEqual(planDigest(plan), planDigest({ ...plan, images: [{ ...plan.images[0]!, held }] }))
})

test('what an image holds has one digest in any order', () => {
  const one = {
    archive: 'debian-13',
    name: 'a',
    version: '1',
    architecture: 'amd64',
    source: { name: 'a', version: '1' },
  }
  const other = { ...one, name: 'b' }
  assert.equal(contentsDigest([one, other]), contentsDigest([other, one]))
  assert.notEqual(contentsDigest([one, other]), contentsDigest([one, { ...other, version: '2' }]))
})

const key = { run: 1, image: 'base', attempt: 1, input: digestOf(''), worker: 'laptop', at } as const
const progress: [StageRecord[], object, string][] = [
  [[], { state: 'waiting' }, 'nothing was begun'],
  [[{ ...key, stage: 'lock', state: 'started' }], { state: 'running', stage: 'lock' }, 'its first stage was begun'],
  [
    [{ ...key, stage: 'gate', state: 'done', output: {} }],
    { state: 'running', stage: 'gate' },
    'a stage is still to come',
  ],
  [[{ ...key, stage: 'publish', state: 'done', output: {} }], { state: 'done' }, 'its last stage is done'],
  [
    [{ ...key, stage: 'test', state: 'failed', reason: 'exit 1' }],
    { state: 'failed', stage: 'test', reason: 'exit 1' },
    'a stage failed',
  ],
  [
    [
      { ...key, stage: 'test', state: 'failed', reason: 'exit 1' },
      { ...key, stage: 'test', attempt: 2, state: 'started' },
    ],
    { state: 'running', stage: 'test' },
    'a stage is tried again',
  ],
]
for (const [records, wanted, because] of progress) {
  test(`an image is ${JSON.stringify(wanted)}: ${because}`, () => assert.deepEqual(imageProgress(records), wanted))
}
