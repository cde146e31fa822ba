import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { buildDeb, type DebSpec } from './deb.ts'

const SPEC: DebSpec = {
  name: 'casemate-sample',
  version: '1:2.0-1',
  fields: { Depends: 'libc6 (>= 2.36)' },
  files: {
    '/usr/bin/tool': { content: 'run me\n', mode: 0o755 },
    '/usr/bin/alias': { link: 'tool' },
    '/usr/bin/another': { hardlink: '/usr/bin/tool' },
    '/var/lib/casemate/': { mode: 0o1777, uid: 7, gid: 8 },
  },
  scripts: { postinst: '#!/bin/sh\nexit 0\n' },
}

function dpkgDeb(t: TestContext, deb: Uint8Array, option: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-deb-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'sample.deb'), deb)
  const run = spawnSync('dpkg-deb', [option, join(folder, 'sample.deb')], { env: { ...process.env, TZ: 'UTC' } })
  assert.equal(run.status, 0, run.stderr.toString())
  assert.equal(run.stderr.toString(), '')
  return run.stdout.toString()
}

for (const compression of ['none', 'gzip', 'xz', 'zstd'] as const) {
  test(`dpkg-deb reads a built package with ${compression} members`, (t) => {
    const deb = buildDeb({ ...SPEC, compression })
    assert.deepEqual(dpkgDeb(t, deb, '--contents').split('\n'), [
      'drwxr-xr-x root/root         0 2023-11-14 22:13 ./',
      'drwxr-xr-x root/root         0 2023-11-14 22:13 ./usr/',
      'drwxr-xr-x root/root         0 2023-11-14 22:13 ./usr/bin/',
      'lrwxrwxrwx root/root         0 2023-11-14 22:13 ./usr/bin/alias -> tool',
      '-rwxr-xr-x root/root         7 2023-11-14 22:13 ./usr/bin/tool',
      'drwxr-xr-x root/root         0 2023-11-14 22:13 ./var/',
      'drwxr-xr-x root/root         0 2023-11-14 22:13 ./var/lib/',
      'drwxrwxrwt root/root         0 2023-11-14 22:13 ./var/lib/casemate/',
      'hrw-r--r-- root/root         0 2023-11-14 22:13 ./usr/bin/another link to ./usr/bin/tool',
      '',
    ])
    assert.match(dpkgDeb(t, deb, '--field'), /^Package: casemate-sample\nVersion: 1:2\.0-1\n/)
  })
}

test('the same package is built twice as the same bytes', () => {
  assert.deepEqual(buildDeb(SPEC), buildDeb(SPEC))
})
