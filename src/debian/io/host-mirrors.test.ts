import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { BUILT_IN_ARCHIVES, readArchives } from './archive-folder.ts'
import { discoverMirrors } from './host-mirrors.ts'

const archives = [...(await readArchives([BUILT_IN_ARCHIVES])).values()].map(({ archive }) => archive)

test('the environment comes before the sources of apt, of either form', async (t) => {
  const apt = mkdtempSync(join(tmpdir(), 'casemate-apt-'))
  const { CASEMATE_MIRROR } = process.env
  t.after(() => {
    rmSync(apt, { recursive: true })
    if (CASEMATE_MIRROR === undefined) delete process.env['CASEMATE_MIRROR']
    else process.env['CASEMATE_MIRROR'] = CASEMATE_MIRROR
  })
  mkdirSync(join(apt, 'sources.list.d'))
  writeFileSync(join(apt, 'sources.list'), 'deb http://a.example/mirror bookworm main\n')
  const security = 'Types: deb\nURIs: http://b.example/sec\nSuites: trixie-security\nComponents: main\n'
  writeFileSync(join(apt, 'sources.list.d/security.sources'), security)
  writeFileSync(join(apt, 'sources.list.d/off.list.disabled'), 'deb http://c.example/debian trixie main\n')
  process.env['CASEMATE_MIRROR'] = 'debian=http://env.example/debian'
  assert.deepEqual(await discoverMirrors(archives, apt), [
    { debian: ['http://env.example/debian'] },
    { debian: ['http://a.example/mirror'], 'debian-security': ['http://b.example/sec'] },
  ])
})

test('a host without apt suggests nothing', async () => {
  const [, host] = await discoverMirrors(archives, '/nonexistent')
  assert.deepEqual(host, {})
})
