import assert from 'node:assert/strict'
import fs from 'node:fs'
import { after, test } from 'node:test'
import { type Digest, digestOf } from '#core'
import type { TarItem } from '#testkit'
import { type ImageTest, parseImageTests } from '../image-test.ts'
import { formatJunit } from '../junit.ts'
import type { PassedResult } from '../result-memory.ts'
import { parseStructureTest } from '../structure-test.ts'
import { formatTestTable, hasPassed, type TestReport } from '../test-report.ts'
import { sandboxes } from './pick-sandbox.ts'
import { openScratch, sampleImage } from './sample-image.test.ts'
import { testImage } from './test-image.ts'

const scratch = openScratch()
after(() => fs.rmSync(scratch, { recursive: true }))

/** A memory that results are kept in, and runs of tests that use it. */
function remembering() {
  const kept = new Map<Digest, PassedResult>()
  let day = 1
  return async (
    tests: readonly ImageTest[],
    image: { name: string; config?: object; files?: readonly TarItem[]; fresh?: boolean; helper?: string },
  ): Promise<TestReport> => {
    const [sandbox] = sandboxes
    assert.ok(sandbox)
    const { name, config = {}, files = [], fresh = false, helper = 'helper' } = image
    const testable = sampleImage(config, ...files)
    const now = `2026-11-0${day++}T12:00:00Z`
    return testImage({
      image: testable,
      tests,
      sandbox,
      openHelper: async () => sampleImage(),
      inheritance: {
        memory: {
          recall: async (key) => kept.get(key),
          keep: async (key, result) => void kept.set(key, result),
        },
        manifest: digestOf(name),
        config: digestOf(JSON.stringify(config)),
        helperDigest: async () => digestOf(helper),
        fresh,
        now: () => now,
      },
    })
  }
}

const since = ({ results }: TestReport) => results.map(({ inherited }) => inherited?.from.slice(0, 10) ?? 'run')

test('results are inherited while the image is the same, without unpacking it, and run anew when asked to', async () => {
  const run = remembering()
  const tests = parseImageTests([
    { name: 'says hello', command: ['/bin/sh', '-c', 'echo $GREETING'], stdout: { equals: 'hello' } },
    {
      name: 'serves',
      args: ['exec busybox httpd -f -p 8080 -h /srv'],
      start: true,
      ready: { port: 8080 },
      within: '30s',
    },
  ])
  const first = await run(tests, { name: 'a' })
  assert.deepEqual(since(first), ['run', 'run'])
  // Nothing can be unpacked there.
  process.env['TMPDIR'] = '/nonexistent'
  const second = await run(tests, { name: 'a' }).finally(() => {
    process.env['TMPDIR'] = scratch
  })
  assert.deepEqual(since(second), ['2026-11-01', '2026-11-01'])
  assert.ok(hasPassed(second))
  assert.deepEqual([second.contract, second.platform, second.notes], [first.contract, first.platform, first.notes])
  assert.match(formatTestTable(second), /^passed +\d+ ms {2}serves \(started in \d+ ms, inherited from 2026-11-01\)$/m)
  assert.match(formatJunit(second, 'x'), /<system-out>inherited from 2026-11-01T12:00:00Z<\/system-out>/)
  assert.deepEqual(since(await run(tests, { name: 'a', fresh: true })), ['run', 'run'])
  assert.deepEqual(since(await run(tests, { name: 'a' })), ['2026-11-03', '2026-11-03'])
  assert.deepEqual(since(await run(tests, { name: 'b' })), ['run', 'run'])
})

test('of a changed image those results are inherited whose config or files are what they were', async () => {
  const run = remembering()
  const surroundings = { variable: () => undefined, text: () => '' }
  const text = 'schemaVersion: 2.0.0\nmetadataTest: { workdir: /srv }\n'
  const tests = [
    ...parseImageTests([
      { name: 'has a page', files: [{ path: '/srv/index.html', contains: 'Welcome' }] },
      { name: 'has a folder', files: [{ path: '/srv' }] },
      { name: 'says hello', command: ['/bin/sh', '-c', 'echo hello'] },
    ]),
    ...parseStructureTest({ text, file: 's.yaml' }, surroundings),
  ]
  await run(tests, { name: 'a' })
  const page = (content: string): TarItem => ({ path: 'srv/index.html', content })
  const other: TarItem = { path: 'srv/other', content: 'x' }
  assert.deepEqual(since(await run(tests, { name: 'b', files: [other] })), [
    '2026-11-01',
    '2026-11-01',
    'run',
    '2026-11-01',
  ])
  const changed = await run(tests, { name: 'c', files: [page('Welcome back')] })
  assert.deepEqual(since(changed), ['run', '2026-11-01', 'run', '2026-11-01'])
  const renamed = await run(tests, { name: 'd', config: { Cmd: ['x'] } })
  assert.deepEqual(since(renamed), ['2026-11-01', '2026-11-01', 'run', 'run'])
  const broken = await run(tests, { name: 'e', files: [page('Goodbye')] })
  assert.deepEqual(since(broken), ['run', '2026-11-01', 'run', '2026-11-01'])
  assert.equal(hasPassed(broken), false)
})

test('a failure is not inherited, nor what has read the network of the host or another helper', async () => {
  const run = remembering()
  const tests = parseImageTests([
    { name: 'fails', command: ['/bin/sh', '-c', 'exit 1'] },
    { name: 'has a helper', helper: 'x', command: ['/dev/casemate-helper/bin/busybox', 'true'] },
  ])
  await run(tests, { name: 'a' })
  assert.deepEqual(since(await run(tests, { name: 'a' })), ['run', '2026-11-01'])
  assert.deepEqual(since(await run(tests, { name: 'a', helper: 'newer' })), ['run', 'run'])
  const outside = parseImageTests([{ name: 'sees the host', command: ['/bin/sh', '-c', 'true'], network: 'host' }])
  await run(outside, { name: 'a' })
  assert.deepEqual(since(await run(outside, { name: 'a' })), ['run'])
})
