import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { type ImageTest, parseImageTest } from './image-test.ts'
import { parseStructureTest } from './structure-test.ts'
import { inputsOf, keyOfResult, type TestSubject } from './test-inputs.ts'

const parse = (written: object): ImageTest => parseImageTest({ name: 'it', ...written }, 'tests[0]')
const structure = (text: string): ImageTest => {
  const surroundings = { variable: () => undefined, text: () => '' }
  const [first] = parseStructureTest({ text: `schemaVersion: 2.0.0\n${text}`, file: 's.yaml' }, surroundings)
  assert.ok(first)
  return first
}
const subject: TestSubject = {
  manifest: digestOf('manifest'),
  config: digestOf('config'),
  sandbox: 'bwrap 0.8.0, Linux 6.1, user, amd64',
  helpers: new Map([['busybox', digestOf('busybox')]]),
}
const withFiles: TestSubject = { ...subject, file: ({ path, content }) => digestOf(`${path} ${content !== undefined}`) }
const kinds = (one: ImageTest, where = subject) =>
  inputsOf(one, where)?.map(({ kind, name }) => `${kind} ${name}`.trim())

const sandbox = 'sandbox bwrap 0.8.0, Linux 6.1, user, amd64'
const ready = { start: true, ready: { port: 80 } }
const cases: [ImageTest, TestSubject, readonly string[] | undefined, string][] = [
  [
    parse({ command: ['x'] }),
    subject,
    ['manifest', sandbox],
    'a program can read the whole image, and all of its sandbox',
  ],
  [parse({ command: ['x'], helper: 'busybox' }), subject, ['manifest', 'helper busybox', sandbox], 'and its helper'],
  [
    parse({ ...ready, probe: { command: { run: ['x'], helper: 'busybox' } } }),
    subject,
    ['manifest', 'helper busybox', sandbox],
    'as can the helper of a probe',
  ],
  [parse({ command: ['x'], helper: 'other' }), subject, undefined, 'a helper that is not known has no digest'],
  [parse({ command: ['x'], network: 'host' }), subject, undefined, "the host's network has none"],
  [structure('metadataTest: { user: a }'), subject, ['config'], 'a test of metadata reads the config alone'],
  [parse({ files: [{ path: '/a' }] }), subject, ['manifest'], 'files that nobody has looked at are the image’s'],
  [
    parse({ files: [{ path: '/a' }, { path: '/b' }] }),
    withFiles,
    ['file /a', 'file /b'],
    'files that are known are what they are',
  ],
  [
    parse({ command: ['x'], files: [{ path: '/a' }] }),
    withFiles,
    ['manifest', sandbox],
    'a program may change its files',
  ],
  [structure('licenseTests: [{ debian: true }]'), withFiles, ['manifest'], 'licences are of the whole image'],
]
for (const [one, where, want, because] of cases) {
  test(`the inputs of a test: ${because}`, () => assert.deepEqual(kinds(one, where), want))
}

test('a result is known by the test and by every input, and by nothing else of the image', () => {
  const command = parse({ command: ['x'], helper: 'busybox' })
  const key = (one: ImageTest, where: TestSubject) => keyOfResult(one, inputsOf(one, where) ?? [])
  const other = digestOf('other')
  const first = key(command, subject)
  assert.equal(key(command, { ...subject, config: other }), first)
  const changed: TestSubject[] = [
    { ...subject, manifest: other },
    { ...subject, helpers: new Map([['busybox', other]]) },
    { ...subject, sandbox: 'bwrap 0.9.0' },
  ]
  for (const where of changed) assert.notEqual(key(command, where), first)
  assert.notEqual(key(parse({ command: ['x'], helper: 'busybox', timeout: '11s' }), subject), first)
  const metadata = structure('metadataTest: { user: a }')
  assert.equal(key(metadata, { ...subject, manifest: other }), key(metadata, subject))
  const file = parse({ files: [{ path: '/a' }] })
  assert.equal(key(file, { ...withFiles, manifest: other, config: other }), key(file, withFiles))
})
