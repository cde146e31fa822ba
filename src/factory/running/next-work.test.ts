import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RunImage, RunState } from '../run.ts'
import { nextWork } from './next-work.ts'

const ENDED = { state: 'failed', reason: 'test: exit code 1' } as const
const DONE = { state: 'done', reason: 'released' } as const

/** `base`, on which `python` and `nginx` stack, `app` on `python`; and `static` by itself. */
function runWith(marks: Readonly<Record<string, Partial<RunImage>>>, rest: Partial<RunState> = {}): RunState {
  const above: Readonly<Record<string, readonly string[]>> = {
    base: [],
    static: [],
    python: ['base'],
    nginx: ['base'],
    app: ['python'],
  }
  const images = Object.entries(above).map(([image, after]): RunImage => {
    return { image, after, reasons: [], sent: [], isCandidate: false, end: undefined, ...marks[image] }
  })
  return { plan: 1, started: '2026-11-22T12:00:00.000Z', images, cancelled: undefined, ...rest }
}

const made = { sent: ['make'], isCandidate: true } as const
const sent = { sent: ['make'] } as const
const published = { sent: ['make', 'publish'], isCandidate: true } as const

const rows: [string, RunState, ReturnType<typeof nextWork>][] = [
  [
    'what is built on nothing is made first, small families before big ones',
    runWith({}),
    {
      ends: [],
      batches: [
        { phase: 'make', images: ['static'], isBegun: false },
        { phase: 'make', images: ['base'], isBegun: false },
      ],
      isOver: false,
    },
  ],
  [
    'what is with a worker is not handed over again',
    runWith({ base: sent, static: sent }),
    { ends: [], batches: [], isOver: false },
  ],
  [
    'children are made on the candidate of their parent, whose tags wait for them; who has no family does not wait',
    runWith({ base: made, static: made }),
    {
      ends: [],
      batches: [
        { phase: 'make', images: ['python'], isBegun: true },
        { phase: 'make', images: ['nginx'], isBegun: true },
        { phase: 'publish', images: ['static'], isBegun: true },
      ],
      isOver: false,
    },
  ],
  [
    'a family is published together when the last of it is a candidate',
    runWith({ base: made, static: { ...published, end: DONE }, python: made, nginx: made, app: made }),
    {
      ends: [],
      batches: [{ phase: 'publish', images: ['base', 'python', 'nginx', 'app'], isBegun: true }],
      isOver: false,
    },
  ],
  [
    'a child that failed holds what is built on it, and nothing else',
    runWith({ base: made, static: { ...published, end: DONE }, python: { ...sent, end: ENDED }, nginx: made }),
    {
      ends: [{ image: 'app', state: 'failed', reason: 'it is built on python: test: exit code 1' }],
      batches: [{ phase: 'publish', images: ['base', 'nginx'], isBegun: true }],
      isOver: false,
    },
  ],
  [
    'a parent that failed holds all that is built on it',
    runWith({ base: { ...sent, end: ENDED }, static: { ...published, end: DONE } }),
    {
      ends: [
        { image: 'python', state: 'failed', reason: 'it is built on base: test: exit code 1' },
        { image: 'nginx', state: 'failed', reason: 'it is built on base: test: exit code 1' },
        { image: 'app', state: 'failed', reason: 'it is built on python: it is built on base: test: exit code 1' },
      ],
      batches: [],
      isOver: true,
    },
  ],
  [
    'on a parent that did not change its children are made all the same',
    runWith({ base: { ...sent, end: DONE }, static: sent }),
    {
      ends: [],
      batches: [
        { phase: 'make', images: ['python'], isBegun: true },
        { phase: 'make', images: ['nginx'], isBegun: true },
      ],
      isOver: false,
    },
  ],
  [
    'a run that is cancelled ends, but for tags that are being moved',
    runWith({ base: sent, static: published }, { cancelled: { by: 'ada', reason: 'a mistake' } }),
    {
      ends: ['base', 'python', 'nginx', 'app'].map((image) => {
        return { image, state: 'cancelled', reason: 'ada has cancelled the run: a mistake' }
      }),
      batches: [],
      isOver: false,
    },
  ],
]
for (const [because, state, wanted] of rows) test(because, () => assert.deepEqual(nextWork(state), wanted))

test('ten thousand images are cut into batches of 200, those of one parent together, in no time', () => {
  const bases = Array.from({ length: 20 }, (_, at) => `base-${at}`)
  const images = [
    ...bases.map((image): RunImage => ({ image, after: [], reasons: [], ...made, end: undefined })),
    ...Array.from({ length: 10_000 }, (_, at): RunImage => {
      const after = [bases[at % bases.length] ?? '']
      return { image: `app-${at}`, after, reasons: [], sent: [], isCandidate: false, end: undefined }
    }),
  ]
  const began = performance.now()
  const { batches } = nextWork({ plan: 1, started: '2026-11-22T12:00:00.000Z', images, cancelled: undefined })
  assert.ok(performance.now() - began < 1000)
  assert.equal(batches.length, 50)
  const parents = new Map(images.map(({ image, after }) => [image, after[0]]))
  for (const batch of batches) {
    assert.equal(batch.images.length, 200)
    assert.ok(new Set(batch.images.map((image) => parents.get(image))).size <= 2)
  }
})
