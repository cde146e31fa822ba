import assert from 'node:assert/strict'
import { test } from 'node:test'
import { casemate, type SampleImage, sampleLayout } from './sample-layout.test.ts'

const image = (...packages: readonly string[]): SampleImage => ({
  packages: Object.fromEntries(packages.map((one) => [one, []])),
})

test('images that have a package are named, by binary or source package, and by version where one is asked for', async (t) => {
  const old = await sampleLayout(t, image('libssl3t64 3.5.1-1', 'bash 5.2'))
  const fixed = await sampleLayout(t, image('libssl3t64 3.5.10-1'))
  const none = await sampleLayout(t, image('bash 5.2'))
  const rows: [string, readonly string[], number, string][] = [
    ['libssl3t64', [old, fixed], 0, 'a binary package'],
    ['openssl', [old, fixed], 0, 'its source package'],
    ['openssl<3.5.9', [old], 0, 'older, as Debian orders versions'],
    ['openssl<=3.5.10-1', [old, fixed], 0, 'that version too'],
    ['libssl3t64=3.5.10-1', [fixed], 0, 'exactly that version'],
    ['libssl3t64>3.5.10-1', [], 1, 'nothing is newer'],
    ['libssl', [], 1, 'a part of a name is no name'],
  ]
  for (const [what, references, status, because] of rows) {
    const run = casemate('where', what, old, fixed, none)
    const named = run.stdout.split('\n').filter((line) => line !== '')
    assert.deepEqual([run.status, named.map((line) => line.split(' ')[0])], [status, references], because)
  }
})

test('an image that cannot be read is named and the others are looked at; the status says that one is missing', async (t) => {
  const one = await sampleLayout(t, image('libssl3t64 3.5.1-1'))
  const run = casemate('where', 'openssl', 'oci:/nowhere:app', one, '--json')
  assert.equal(run.status, 3)
  const { schema, images } = JSON.parse(run.stdout)
  assert.equal(schema, 'casemate.where/v1')
  assert.match(images[0].error, /IMAGE_UNKNOWN|LAYOUT_INVALID/)
  assert.deepEqual(images[1].packages, [
    { name: 'libssl3t64', version: '3.5.1-1', architecture: 'amd64', source: { name: 'openssl', version: '3.5.1-1' } },
  ])
  assert.match(run.stderr, /^warning: cannot /)
})

test('what is no package or no version is wrong use', () => {
  for (const what of ['Open SSL', 'openssl<', 'openssl<x y']) {
    const run = casemate('where', what, 'oci:/nowhere')
    assert.equal(run.status, 2, what)
    assert.match(run.stderr, /^cannot look for .*\[USAGE_INVALID\]/)
  }
})
