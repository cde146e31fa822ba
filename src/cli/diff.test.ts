import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDiffMarkdown, formatDiffText } from './diff-formats.ts'
import { casemate, type SampleImage, sampleLayout } from './sample-layout.test.ts'

const before: SampleImage = {
  packages: {
    'libssl3t64 3.5.1-1': [{ path: 'usr/lib/libssl.so.3', content: 'old' }],
    'mount 2.41-5': [{ path: 'usr/bin/mount', content: 'mount' }],
    'oldlib 1.0': [{ path: 'usr/lib/old.so', content: 'old' }],
    'tzdata 2026a-1~deb13u1': [{ path: 'usr/share/zoneinfo/UTC', content: 'UTC' }],
  },
  others: [{ path: 'etc/motd', content: 'hello\n' }],
  config: { User: '65532', Entrypoint: ['/app'], Env: ['LANG=C'], ExposedPorts: ['80'], Labels: { team: 'a' } },
}
const after: SampleImage = {
  packages: {
    'libssl3t64 3.5.10-1': [{ path: 'usr/lib/libssl.so.3', content: 'new' }],
    'mount 2.41-5': [{ path: 'usr/bin/mount', content: 'mount', mode: 0o4755 }],
    'newlib 1.0': [{ path: 'usr/lib/new.so', content: 'new' }],
    'tzdata 2026a-1~': [{ path: 'usr/share/zoneinfo/UTC', content: 'UTC!' }],
  },
  others: [
    { path: 'etc/motd', content: 'hello\n' },
    { path: 'srv/a|b`c', content: 'x' },
  ],
  config: { Cmd: ['-v'], Entrypoint: ['/app'], Env: ['LANG=C.UTF-8'], Labels: { team: 'b\u001b[31m' } },
}

test('everything that differs is in the JSON, in Debian’s order of versions', async (t) => {
  const run = casemate('diff', await sampleLayout(t, before), await sampleLayout(t, after), '--json')
  assert.deepEqual([run.status, run.stderr], [1, ''])
  const found = JSON.parse(run.stdout)
  assert.deepEqual(Object.keys(found).sort(), [
    ...['contract', 'files', 'findings', 'from', 'isSame', 'layers', 'licences', 'packages', 'schema', 'settings'],
    ...['sizes', 'to', 'withoutFindings'],
  ])
  assert.deepEqual([found.schema, found.isSame, found.from.packages], ['casemate.diff/v1', false, 4])
  assert.deepEqual(
    found.packages.map((one: Record<'kind' | 'source', string> & Record<'from' | 'to', { version: string } | null>) => [
      one.kind,
      one.source,
      one.from?.version ?? null,
      one.to?.version ?? null,
    ]),
    [
      ['upgraded', 'openssl', '3.5.1-1', '3.5.10-1'],
      ['downgraded', 'tzdata', '2026a-1~deb13u1', '2026a-1~'],
      ['added', 'newlib', null, '1.0'],
      ['removed', 'oldlib', '1.0', null],
    ],
  )
  const paths = (list: readonly { path: string }[]) => list.map(({ path }) => path)
  assert.deepEqual(paths(found.files.outside), ['/srv/a|b`c', '/var/lib/dpkg/status'])
  assert.deepEqual(paths(found.files.privilegesGained), ['/usr/bin/mount'])
  assert.deepEqual(paths(found.files.unexpected), ['/usr/bin/mount'])
  assert.deepEqual(found.files.packages[0], { package: 'libssl3t64', added: 0, removed: 0, changed: 1 })
  assert.deepEqual(
    found.contract.map(({ key, from, to }: Record<string, unknown>) => [key, from, to]),
    [
      ['cmd', [], ['-v']],
      ['environment', 'C', 'C.UTF-8'],
      ['ports', ['80/tcp'], []],
      ['user', '65532:65532 (nonroot)', '0:0 (root)'],
    ],
  )
  assert.deepEqual([found.layers.shared.length, found.layers.added.length, found.layers.removed.length], [1, 1, 1])
  assert.equal(found.sizes.toFetch, found.layers.added[0].size)
})

test('the page for people says the same, and nothing of an image steers a terminal or breaks a table', async (t) => {
  const [from, to] = [await sampleLayout(t, before), await sampleLayout(t, after)]
  const text = casemate('diff', from, to)
  assert.equal(text.status, 1)
  assert.match(text.stdout, /^packages: 1 upgraded, 1 downgraded, 1 added, 1 removed · contract: cmd, /)
  assert.match(text.stdout, /^ {2}openssl +3\.5\.1-1 +3\.5\.10-1 +~1 +libssl3t64$/m)
  assert.match(text.stdout, /^ {2}setuid 0 +mount +\/usr\/bin\/mount$/m)
  assert.match(text.stdout, /^ {2}0644 0:0 +4755 0:0 +mount +\/usr\/bin\/mount$/m)
  assert.ok(text.stdout.includes('b\\u001b[31m') && !text.stdout.includes('\u001b'))
  const page = casemate('diff', from, to, '--markdown')
  assert.equal(page.status, 1)
  assert.match(page.stdout, /^\*\*packages: 1 upgraded/)
  assert.ok(page.stdout.includes('| `openssl` | `3.5.1-1` | `3.5.10-1` | ~1 | `libssl3t64` |'))
  assert.ok(page.stdout.includes('`` /srv/a\\|b`c ``'))
})

test('the same contents are equal, whatever their times; so are an image and itself', async (t) => {
  const from = await sampleLayout(t, before)
  const same = casemate('diff', from, from)
  assert.deepEqual([same.status, same.stdout.split('\n')[0]], [0, 'The same image.'])
  const packed = casemate('diff', from, await sampleLayout(t, { ...before, mtime: 1_800_000_000 }))
  assert.equal(packed.status, 0)
  assert.match(packed.stdout, /^The same contents in another packing/)
})

test('what cannot be compared is said: two formats, a contract that is none, an image that is not there', async (t) => {
  const from = await sampleLayout(t, before)
  assert.equal(casemate('diff', from, from, '--json', '--markdown').status, 2)
  assert.equal(casemate('diff', from, 'oci:/nowhere').status, 3)
  const odd = await sampleLayout(t, {
    ...before,
    config: { ...before.config, Labels: { 'dev.casemate.contract': '{' } },
  })
  const run = casemate('diff', from, odd)
  assert.equal(run.status, 1)
  assert.match(run.stderr, /its contract is not compared: cannot parse contract/)
})

test('a page is no longer than a pull request takes, and says what it leaves out', () => {
  const rows = Array.from({ length: 5000 }, (_, index) => [
    '+',
    '1 B',
    `/srv/some/long/path/of/an/application/${index}`,
  ])
  const section = { kind: 'files', title: 'Files', head: ['', 'what', 'path'], rows } as const
  const page = formatDiffMarkdown({ summary: 's', facts: [], notes: [], sections: [section] })
  assert.ok(page.length <= 60_000 && page.length > 10_000, `${page.length}`)
  assert.match(page, /<details><summary><b>Files \(5000\)<\/b>/)
  assert.match(page, /^… and 4500 more\.$/m)
  const wide = { ...section, rows: [['+', '1 B', 'x'.repeat(70_000)]] }
  assert.match(formatDiffMarkdown({ summary: 's', facts: [], notes: [], sections: [wide] }), /too long for a page/)
})

test('on a terminal long lists of names are broken and no path is cut', () => {
  const names = Array.from({ length: 9 }, (_, index) => `libpackage${index}`).join(', ')
  const path = `/srv/${'x'.repeat(90)}`
  const sections = [
    { kind: 'packages', title: 'P', head: ['source', 'packages'], rows: [['src', names]] },
    { kind: 'files', title: 'F', head: ['', 'path'], rows: [['+', path]] },
  ] as const
  const terminal = { width: 50, style: (_: string, text: string) => text }
  const lines = formatDiffText({ summary: 's', facts: [], notes: [], sections }, terminal)
  const at = lines.indexOf('P')
  const broken = lines.slice(at + 2, lines.indexOf('F') - 1)
  assert.ok(broken.length > 1 && broken.every((line) => line.length <= 50), broken.join('\n'))
  assert.equal(broken.map((line) => line.replace(/^ +(?:src +)?/, '')).join(' '), names)
  assert.ok(lines.includes(`  +  ${path}`))
})
