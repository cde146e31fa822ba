import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import type { Release } from '../release.ts'
import { STAGES, type StageRecord } from '../run.ts'
import { faultsOfHistory, type History } from './check-history.ts'

const at = '2026-11-22T12:00:00.000Z'
const digest = digestOf('python')

const release: Release = {
  ...{ id: 1, image: 'python', variant: 'runtime', digest, lock: digestOf('lock'), tags: ['3.13'], evidence: {} },
  ...{ released: at, run: 1, manifests: [] },
}
const records = STAGES.map((stage): StageRecord => {
  return { run: 1, image: 'python', stage, attempt: 1, input: digest, worker: 'w', at, state: 'done', output: {} }
})
const images = [
  { image: 'base', after: [], reasons: [], held: undefined },
  { image: 'python', after: ['base'], reasons: [], held: undefined },
  { image: 'nginx', after: [], reasons: [], held: { by: 'hold', reason: 'a freeze' } },
] as const

/** A run that released `python`, found `base` unchanged and held `nginx`. */
const good: History = {
  runs: [
    {
      run: 1,
      plan: { events: [1], images, made: at },
      isOver: true,
      ends: [
        { image: 'base', state: 'done', reason: 'nothing to publish' },
        { image: 'python', state: 'done', reason: 'released as 1' },
      ],
      records,
    },
  ],
  releases: [release],
  ledger: [{ kind: 'release', subject: 'python', body: { release: 1 } }],
  tags: [{ image: 'python', tag: '3.13', digest }],
  signed: new Set([digest]),
  noticed: ['an event'],
  answered: new Set(['an event']),
}
const run = good.runs[0]!
const ends = (state: 'failed' | 'cancelled' | 'done', reason: string) => [
  { ...run.ends[0]! },
  { image: 'python', state, reason },
]

test('nothing is wrong with a history in which all went well', () => assert.deepEqual(faultsOfHistory(good), []))

const rows: [string, History, string[]][] = [
  ['an event is lost', { ...good, answered: new Set() }, ['the event an event is lost']],
  ['a run goes on for ever', { ...good, runs: [{ ...run, isOver: false }] }, ['run 1 is not over']],
  ['an image has no end', { ...good, runs: [{ ...run, ends: run.ends.slice(1) }] }, ['run 1, base: it has not ended']],
  [
    'an image failed without a word, and was released',
    { ...good, runs: [{ ...run, ends: ends('failed', '') }] },
    [
      'run 1, python: it is failed without a reason',
      'run 1, python: it is failed and was released',
      'the ledger tells stage 1 of python 0 times',
    ],
  ],
  [
    'a release happened twice',
    { ...good, releases: [release, { ...release, id: 2 }] },
    ['run 1, python: a variant was released twice', 'the ledger tells release 2 of python 0 times'],
  ],
  [
    'what is held was released',
    { ...good, releases: [release, { ...release, id: 2, image: 'nginx', tags: [] }] },
    ['run 1, nginx: it is held and was released', 'the ledger tells release 2 of nginx 0 times'],
  ],
  [
    'a release was never gated',
    { ...good, runs: [{ ...run, records: records.filter(({ stage }) => stage !== 'gate') }] },
    ['run 1, python: it was released without gate'],
  ],
  [
    'a child was released on a parent that was not',
    {
      ...good,
      runs: [{ ...run, ends: [{ image: 'base', state: 'failed', reason: 'test: no' }, run.ends[1]!] }],
      ledger: [...good.ledger, { kind: 'stage', subject: 'base', body: { run: 1 } }],
    },
    ['run 1, python: it was released though base was not'],
  ],
  ['a tag is lost', { ...good, tags: [] }, ['the tag python:3.13 is lost']],
  [
    'a tag names something else, which nobody has signed',
    { ...good, tags: [{ image: 'python', tag: '3.13', digest: digestOf('x') }] },
    [
      `the tag python:3.13 names ${digestOf('x')}, and release 1 is ${digest}`,
      `the tag python:3.13 names ${digestOf('x')}, which is not signed`,
    ],
  ],
  [
    'a tag is of nothing',
    { ...good, tags: [...good.tags, { image: 'python', tag: 'x', digest }] },
    ['the tag python:x is of no release'],
  ],
  [
    'the ledger tells a release twice',
    { ...good, ledger: [...good.ledger, ...good.ledger] },
    ['the ledger tells release 1 of python 2 times'],
  ],
]
for (const [because, history, faults] of rows)
  test(`it is seen when ${because}`, () => assert.deepEqual(faultsOfHistory(history), faults))
