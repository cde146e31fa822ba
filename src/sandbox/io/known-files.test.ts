import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseImageTests } from '../image-test.ts'
import type { Sandbox } from '../sandbox.ts'
import { hasPassed } from '../test-report.ts'
import { type KnownFile, KnownFiles } from './known-files.ts'
import { testImage } from './test-image.ts'

const file = { type: 'file', mode: 0o644, uid: 0, gid: 0, target: '' } as const
const paths: Readonly<Record<string, KnownFile & { readonly text?: string }>> = {
  '/etc': { ...file, type: 'directory', mode: 0o755 },
  '/etc/app.conf': { ...file, uid: 7, text: 'port = 80\n' },
  '/etc/link.conf': { ...file, type: 'symlink', target: 'app.conf' },
  '/etc/other.conf': { ...file, type: 'hardlink', mode: 0o600, target: '/etc/app.conf' },
  '/etc/unread.conf': file,
  '/etc/passwd': { ...file, text: 'nobody:x:65534:65534::/:/none\n' },
}
const image = {
  get: (path: string) => paths[path],
  read: (path: string) => (paths[path]?.text === undefined ? undefined : Buffer.from(paths[path].text)),
}
/** A sandbox that nobody may need. */
const sandbox: Sandbox = {
  name: 'bwrap',
  unavailable: async () => undefined,
  version: () => assert.fail('the sandbox was asked for its version'),
  launch: () => assert.fail('a program was run'),
}
const config = { os: 'linux', architecture: 'amd64', config: { User: '65534:65534' } }

test('tests of files are judged by what is known, as if the image had been unpacked', async () => {
  const tests = parseImageTests([
    { name: 'content', files: [{ path: '/etc/app.conf', matches: '^port = 80$', uid: 7, mode: '0644' }] },
    { name: 'by a link', files: [{ path: '/etc/link.conf', matches: 'port' }] },
    { name: 'another name of the file', files: [{ path: '/etc/other.conf', matches: 'port', mode: '0644', uid: 7 }] },
    { name: 'absent', files: [{ path: '/opt/none', absent: true }] },
    { name: 'wrong', files: [{ path: '/etc/app.conf', matches: 'port = 81' }] },
  ])
  const unopened = { config, layers: [] }
  const report = await testImage({ image: unopened, tests, sandbox, known: image })
  assert.deepEqual(
    report.results.map(({ verdict }) => verdict.kind),
    ['passed', 'passed', 'passed', 'passed', 'failed'],
  )
  assert.equal(hasPassed(report), false)
})

test('what engines add, what is not at hand, and programs are no matter of known files', () => {
  const files = new KnownFiles(image)
  const contract = files.contract(config)
  const rows: [object, boolean, string][] = [
    [{ files: [{ path: '/etc/app.conf', matches: 'x' }] }, true, 'a file that is at hand'],
    [{ files: [{ path: '/etc/hosts', absent: true }] }, false, 'whoever runs an image adds it'],
    [{ files: [{ path: '/proc', mode: '0755' }] }, false, 'a mount point'],
    [{ files: [{ path: '/etc/unread.conf', matches: 'x' }] }, false, 'its bytes are not at hand'],
    [{ command: ['/bin/true'], 'exit-code': 0 }, false, 'a program'],
  ]
  for (const [wanted, isKnown, because] of rows) {
    const [one] = parseImageTests([{ name: 'one', ...wanted }])
    assert.ok(one)
    assert.equal(files.knows(one, contract), isKnown, because)
  }
})
