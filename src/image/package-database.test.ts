import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { digestOf } from '#core'
import type { MemberIndex } from './member.ts'
import { databaseFiles, formatStatus, infoName } from './package-database.ts'

const files = { '/usr/bin/tool': 'tool\n', '/etc/tool.conf': 'x = 1\n', '/etc/a.conf': 'y = 2\n' }
const leftOut = '/usr/share/man/man1/tool.1'

const control = `Package: tool
Version: 1:2.0-1
Architecture: amd64
Multi-Arch: same
Source: toolkit (2.0-1)
Maintainer: Nobody <nobody@example.org>
Depends: libtool1 (>= 1)
Description: does what tools do
 and says so in
 .
 three lines
`
const other =
  'Package: libtool1\nVersion: 1.5\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: other\n'

const md5 = (text: string) => createHash('md5').update(text).digest('hex')
const sums = [...Object.entries(files), [leftOut, 'page'] as const].map(
  ([path, text]) => `${md5(text)}  ${path.slice(1)}\n`,
)
const controlFiles = new Map(
  Object.entries({
    control,
    md5sums: sums.join(''),
    conffiles: '/etc/tool.conf\n/etc/a.conf\n',
    postinst: '#!/bin/sh\nexit 0\n',
    triggers: 'interest-noawait /usr/share/tool\n',
  }).map(([name, text]) => [name, Buffer.from(text)]),
)

const alone = { directories: digestOf(''), digest: digestOf(''), diffId: digestOf(''), size: 0 }

const index = (name: string, text: string, conffileSums: Readonly<Record<string, string>> = {}): MemberIndex => ({
  ...{ key: digestOf(name), package: name, control: text, controlFiles: {}, conffileSums, entries: [], blocks: [] },
  ...{ omissions: [], size: 0, tarSize: 0, digest: digestOf(name), alone, newest: 0 },
})

const members = [
  index('tool', control, { '/etc/tool.conf': md5(files['/etc/tool.conf']), '/etc/a.conf': md5(files['/etc/a.conf']) }),
  index('libtool1', other),
]

/** A root with the database of both packages and the files of `tool`. */
function rootWith(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'casemate-database-'))
  t.after(() => rmSync(root, { recursive: true }))
  const write = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  write('/var/lib/dpkg/status', formatStatus(members))
  mkdirSync(join(root, 'var/lib/dpkg/updates'))
  const shipped = ['/usr', '/usr/bin', '/etc', ...Object.keys(files)].map((path) => ({ path }))
  for (const { path, content } of databaseFiles(control, controlFiles, shipped)) write(path, content)
  const bare = new Map([['md5sums', new Uint8Array()]])
  for (const { path, content } of databaseFiles(other, bare, [])) write(path, content)
  write('/var/lib/dpkg/info/format', '1\n')
  for (const [path, content] of Object.entries(files)) write(path, content)
  return root
}

function dpkg(program: string, root: string, ...args: readonly string[]): string {
  const run = spawnSync(
    program,
    [...(program === 'dpkg' ? ['--root', root] : ['--admindir', `${root}/var/lib/dpkg`]), ...args],
    {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
    },
  )
  assert.deepEqual([run.status, run.stderr], [0, ''])
  return run.stdout
}

test('dpkg finds every package installed, with version, source and dependencies', (t) => {
  const root = rootWith(t)
  const format = '${binary:Package} ${Version} ${source:Package} ${source:Version} ${db:Status-Abbrev} ${Depends}\\n'
  assert.equal(
    dpkg('dpkg-query', root, '--show', `--showformat=${format}`),
    'libtool1 1.5 libtool1 1.5 ii  \ntool:amd64 1:2.0-1 toolkit 2.0-1 ii  libtool1 (>= 1)\n',
  )
  assert.match(dpkg('dpkg-query', root, '--status', 'tool'), /^ three lines$/m)
})

test('dpkg finds the paths that the image has, and none that a rule left out', (t) => {
  const root = rootWith(t)
  const listed = dpkg('dpkg-query', root, '--listfiles', 'tool:amd64').trim().split('\n')
  assert.deepEqual(listed, ['/.', '/usr', '/usr/bin', '/etc', ...Object.keys(files)])
  assert.equal(dpkg('dpkg-query', root, '--search', '/usr/bin/tool'), 'tool:amd64: /usr/bin/tool\n')
})

test('dpkg --audit and --verify have nothing to say', (t) => {
  const root = rootWith(t)
  assert.equal(dpkg('dpkg', root, '--audit'), '')
  assert.equal(dpkg('dpkg', root, '--verify', 'tool', 'libtool1'), '')
  writeFileSync(join(root, 'usr/bin/tool'), 'changed')
  const changed = spawnSync('dpkg', ['--root', root, '--verify', 'tool'], { encoding: 'utf8' })
  assert.match(changed.stdout, /^\?\?5\?\?\?\?\?\? +\/usr\/bin\/tool$/m, 'a change would be seen')
})

test('dpkg knows the sums of conffiles, so an upgrade inside the image does not ask', (t) => {
  const shown = dpkg('dpkg-query', rootWith(t), '--show', '--showformat=${Conffiles}', 'tool')
  assert.deepEqual(
    shown
      .trim()
      .split('\n')
      .map((line) => line.trim()),
    [`/etc/a.conf ${md5(files['/etc/a.conf'])}`, `/etc/tool.conf ${md5(files['/etc/tool.conf'])}`],
  )
})

test('the order of packages makes no difference to status', () => {
  assert.equal(formatStatus([...members].reverse()), formatStatus(members))
})

test('a control paragraph that does not begin with its name keeps every field whole', () => {
  const text = 'Description: first\n and more\nPackage: odd\nVersion: 1\nArchitecture: all\n'
  assert.equal(
    formatStatus([index('odd', text)]),
    'Description: first\n and more\nPackage: odd\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n',
  )
})

test('files below info are named for the package, with the architecture where several may be installed', () => {
  assert.equal(infoName(control), 'tool:amd64')
  assert.equal(infoName(other), 'libtool1')
})

test('control files stand in the database untouched, scripts executable, the control paragraph in status only', () => {
  const described = databaseFiles(control, controlFiles, [{ path: '/usr/bin/tool' }])
  assert.deepEqual(
    described.map(({ path, mode }) => `${path.slice('/var/lib/dpkg/info/'.length)} ${mode.toString(8)}`).sort(),
    [
      'tool:amd64.conffiles 644',
      'tool:amd64.list 644',
      'tool:amd64.md5sums 644',
      'tool:amd64.postinst 755',
      'tool:amd64.triggers 644',
    ],
  )
  const md5sums = described.find(({ path }) => path.endsWith('.md5sums'))
  assert.equal(Buffer.from(md5sums?.content ?? '').toString(), `${md5('tool\n')}  usr/bin/tool\n`)
})
