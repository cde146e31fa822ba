import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDpkgDatabase } from './dpkg-database.ts'

function files(contents: Readonly<Record<string, string>>) {
  return {
    paths: () => Object.keys(contents),
    read: (path: string) => (contents[path] === undefined ? undefined : Buffer.from(contents[path])),
  }
}

const libc =
  'Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nSource: glibc\nVersion: 2.41-12\nMaintainer: GNU Libc <a@b>\nHomepage: https://example.org/'

test('installed packages are read with their lists, others are not counted', () => {
  const removed = 'Package: old\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1'
  const rebuilt =
    'Package: tool\nStatus: install ok installed\nArchitecture: amd64\nSource: tools (1.0-2)\nVersion: 1.0-2+b1'
  const { packages, faults } = readDpkgDatabase(
    files({
      '/var/lib/dpkg/status': `${libc}\n\n${removed}\n\n${rebuilt}\n`,
      '/var/lib/dpkg/info/libc6:amd64.list': '/.\n/usr\n/usr/lib/libc.so.6\n',
      '/var/lib/dpkg/info/tool.list': '/usr/bin/tool\n',
    }),
  )
  assert.deepEqual(faults, [])
  assert.deepEqual(
    packages.map(({ name, source, maintainer, homepage, paths }) => ({ name, source, maintainer, homepage, paths })),
    [
      {
        name: 'libc6',
        source: { name: 'glibc', version: '2.41-12' },
        maintainer: 'GNU Libc <a@b>',
        homepage: 'https://example.org/',
        paths: ['/.', '/usr', '/usr/lib/libc.so.6'],
      },
      {
        name: 'tool',
        source: { name: 'tools', version: '1.0-2' },
        maintainer: '',
        homepage: '',
        paths: ['/usr/bin/tool'],
      },
    ],
  )
})

test('the form of one file a package is read, with the paths of its sums', () => {
  const { packages } = readDpkgDatabase(
    files({
      '/var/lib/dpkg/status.d/libc6': libc.replace('Status: install ok installed\n', ''),
      '/var/lib/dpkg/status.d/libc6.md5sums': `${'0'.repeat(32)}  usr/lib/libc.so.6\n${'1'.repeat(32)}  ./etc/x\n`,
    }),
  )
  assert.deepEqual(
    packages.map(({ name, paths }) => [name, paths]),
    [['libc6', ['/usr/lib/libc.so.6', '/etc/x']]],
  )
})

test('a broken paragraph is told and the rest counts; a database of nothing else is an error', () => {
  const broken = 'Package: Bad Name\nVersion: 1\nArchitecture: all'
  const { packages, faults } = readDpkgDatabase(files({ '/var/lib/dpkg/status': `${broken}\n\n${libc}\n` }))
  assert.deepEqual([packages.length, faults.length], [1, 1])
  assert.match(faults[0] ?? '', /Bad Name/)
  assert.throws(() => readDpkgDatabase(files({ '/var/lib/dpkg/status': broken })), { code: 'DPKG_DATABASE_INVALID' })
})

test('an image without a database has no packages', () => {
  assert.deepEqual(readDpkgDatabase(files({})), { packages: [], faults: [] })
})
