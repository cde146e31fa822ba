import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import type { DebSpec } from '#testkit'
import { fencedBlocks } from '../readme-blocks.ts'
import { openWorkplace, type Workplace } from './workplace.ts'

const page = readFileSync(resolve(import.meta.dirname, '../../docs/overlays.md'), 'utf8')

/** The packages that the page names, as an archive may have them. */
const DEBS: readonly DebSpec[] = [
  {
    name: 'greet',
    files: {
      '/usr/bin/greet': { content: '#!/bin/sh\necho hello\n', mode: 0o755 },
      '/etc/greet.conf': 'word = hello\n',
    },
  },
  { name: 'base-files', files: { '/etc/debian_version': '13\n' } },
  { name: 'ca-certificates', files: { '/usr/share/doc/ca-certificates/copyright': 'c' } },
  { name: 'tzdata', files: { '/usr/share/zoneinfo/Etc/UTC': 'TZif' } },
  { name: 'bash', files: { '/usr/bin/bash': { content: 'bash', mode: 0o755 } } },
]

/** Archives stand beside the definition that names them. */
function shareArchive(place: Workplace): void {
  for (const file of place.files('archives')) place.write(`company/archives/${file}`, place.read(`archives/${file}`))
}

test('every definition and command of the page on overlays does what the page says', async (t) => {
  const place = await openWorkplace(t, { debs: DEBS })
  shareArchive(place)
  const layers = async (folder: string) => {
    const run = await place.run(['build', folder, '--json', '-o', 'oci:check'])
    assert.equal(run.status, 0, run.stderr)
    return JSON.parse(run.stdout).platforms[0].layers.map(({ digest }: { digest: string }) => digest) as string[]
  }
  let first = true
  for (const { language, text } of fencedBlocks(page)) {
    const [, path] = /^# (\S+)$/m.exec(text) ?? []
    if (language === 'yaml' && path !== undefined) {
      assert.ok(text.split('\n').length <= 11, 'a first overlay takes less than ten lines')
      // The page is for Debian's archive and two platforms; the test has one of its own.
      const archive = path.startsWith('company') ? 'archive: test-1\nplatforms: [linux/amd64]\n' : ''
      place.write(path, `${text}\n${archive}`)
      continue
    }
    for (const line of language === 'sh' ? text.split('\n') : []) {
      await t.test(line, async () => {
        const run = await place.run(line.split(' ').slice(1))
        assert.equal(run.status, 0, run.stderr + run.stdout)
        if (!line.includes('explain')) return
        const wanted = line.includes('--effective')
          ? /- "greet" +# base company-base company\/casemate\.yaml:3:\d+\n.*- "tzdata" +# team-greeter team\/casemate\.yaml:4:\d+/s
          : line.includes('tzdata')
            ? /part of +overlay team-greeter/
            : /declared +overlay team-greeter, team\/casemate\.yaml:6:5/
        assert.match(run.stdout, wanted)
      })
    }
    if (first && language === 'sh') {
      first = false
      const [base, team] = [await layers('./company'), await layers('./team')]
      assert.deepEqual(team.slice(0, base.length), base)
      assert.equal(team.length, base.length + 2, 'one with the package, one with what differs')
    }
  }
})

test('a base that was locked anew is seen, and `lock --update` moves along', async (t) => {
  const place = await openWorkplace(t, { debs: DEBS })
  shareArchive(place)
  const archive = 'archive: test-1\nplatforms: [linux/amd64]\n'
  place.write('company/casemate.yaml', `image: company-base\npackages: [greet]\n${archive}`)
  place.write('team/casemate.yaml', 'image: team-greeter\nfrom: ../company\npackages: [tzdata]\n')
  const lock = async (...args: string[]) => place.run(['lock', ...args])
  assert.equal((await lock('./company')).status, 0)
  assert.equal((await lock('./team')).status, 0)
  assert.equal((await lock('./team', '--check')).status, 0)

  await place.archive.publish({ ...DEBS[0], name: 'greet', version: '2.0' })
  assert.equal((await lock('./team', '--check')).status, 0, 'the base has not moved')
  assert.equal((await lock('./company', '--update')).status, 0)
  const moved = await lock('./team', '--check')
  assert.deepEqual([moved.status, moved.stdout], [1, 'base company-base: greet 1.0 → 2.0 in runtime (linux/amd64)\n'])
  const before = await place.run(['build', './team', '--json', '-o', 'oci:out'])
  assert.equal(before.status, 0, 'an overlay that has a lock is built from it')

  const update = await lock('./team', '--update')
  assert.equal(update.status, 0, update.stderr)
  assert.match(update.stdout, /^base company-base: greet 1\.0 → 2\.0 in runtime \(linux\/amd64\)$/m)
  assert.equal((await lock('./team', '--check')).status, 0)

  place.write('company/casemate.yaml', `image: company-base\npackages: [greet, bash]\n${archive}`)
  const changed = await place.run(['build', './team'])
  assert.equal(changed.status, 2)
  assert.match(
    changed.stderr,
    /base company-base: the definition of runtime has changed since; run "casemate lock".*\[LOCK_INVALID\]/,
  )
})
