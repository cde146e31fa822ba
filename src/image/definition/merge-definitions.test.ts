import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRequest } from '#solver'
import type { LoadedFragment } from './definition.ts'
import { mergeFragments } from './merge-definitions.ts'

test('merging is associative: of 2,000 random triples each grouping that succeeds gives the same', () => {
  const random = generator(7)
  let compared = 0
  for (let round = 0; round < 2000; round++) {
    const [a, b, c] = [fragment(random), fragment(random), fragment(random)]
    const left = attempt(() => mergeFragments(mergeFragments(a, b, 'a with b'), c, 'ab with c'))
    const right = attempt(() => mergeFragments(a, mergeFragments(b, c, 'b with c'), 'a with bc'))
    if (left === undefined || right === undefined) continue
    assert.deepEqual(left, right)
    compared++
  }
  assert.ok(compared > 500, `only ${compared} triples could be compared`)
})

test('a fragment merged with itself stays as it is', () => {
  const random = generator(3)
  for (let round = 0; round < 200; round++) {
    const one = fragment(random)
    const normal = mergeFragments(one, one, 'one with itself')
    assert.deepEqual(mergeFragments(normal, normal, 'again'), normal)
  }
})

test('tests of the entrypoint end where another program takes its place; tests with a command of their own go on', () => {
  const plain = { ...fragment(generator(1)), paths: [], entrypoint: undefined, cmd: undefined }
  const base = { ...plain, entrypoint: ['/a'], tests: [{ name: 'serves' }, { name: 'has /b', command: ['/b'] }] }
  const names = (over: LoadedFragment) => mergeFragments(base, over, 'a with b').tests.map(({ name }) => name)
  assert.deepEqual(names({ ...plain, tests: [] }), ['serves', 'has /b'])
  assert.deepEqual(names({ ...plain, entrypoint: ['/c'], tests: [{ name: 'says c' }] }), ['has /b', 'says c'])
  assert.deepEqual(names({ ...plain, cmd: ['x'], tests: [] }), ['has /b'])
})

function attempt(merge: () => LoadedFragment): LoadedFragment | undefined {
  try {
    return merge()
  } catch {
    return undefined
  }
}

/** A fragment of few different values, so that they meet often. */
function fragment(random: () => number): LoadedFragment {
  const some = <Value>(values: readonly Value[]) => values.filter(() => random() < 0.5)
  const one = <Value>(values: readonly Value[]) => values[Math.floor(random() * (values.length + 1))]
  const record = () => Object.fromEntries(some(['A', 'B', 'C']).map((key) => [key, String(Math.floor(random() * 3))]))
  const ownership = { mode: 0o755, gid: 0 }
  return {
    title: one(['t', 'u']),
    description: one(['d', 'e']),
    packages: some(['aa', 'aa=1', 'bb/sid', 'cc:arm64']).map(parseRequest),
    keep: some(['documentation', 'man-pages']),
    derived: some(['python-bytecode']),
    environment: record(),
    entrypoint: one([['/a'], ['/b', 'c'], []]),
    cmd: one([['x'], []]),
    contract: {
      runAs: one(['root', 'nonroot']),
      workDir: one(['/', '/app']),
      ports: some(['80/tcp', '53/udp']),
      writable: some(['/tmp', '/run']),
      volumes: some(['/data']),
      stopSignal: one(['SIGTERM', 'SIGINT']),
    },
    users: some(['web', 'db']).map((name) => ({
      name,
      uid: Math.floor(random() * 3),
      ...(random() < 0.5 ? { home: '/h' } : {}),
    })),
    groups: some(['g', 'h']).map((name) => ({ name, gid: 1, members: some(['web', 'db']) })),
    paths: some(['/a', '/b']).map((path) =>
      random() < 0.2
        ? { type: 'absent', path, reason: 'r' }
        : { type: 'directory', path, ...ownership, uid: Math.floor(random() * 2), replace: random() < 0.5 },
    ),
    certificates: some(['p', 'q']).map((pem) => ({ name: pem, pem })),
    keystore: undefined,
    timeZone: one(['Etc/UTC', 'Europe/Paris']),
    locales: some(['en_US.UTF-8']),
    acknowledge: record(),
    labels: record(),
    annotations: record(),
    tests: some(['s', 't']).map((name) => ({ name, value: Math.floor(random() * 2) })),
  }
}

/** Numbers from 0 to 1, the same for the same seed (a linear congruence). */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
}
