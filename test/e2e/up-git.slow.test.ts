import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { databaseFolder, TEST_POSTGRES_USER } from '#testkit'
import { hearing, PATIENCE, Up } from './up-process.ts'
import { openWorkplace } from './workplace.ts'

const definition = (more: string) => `image: plain
archive: test-1
owner: platform-team
packages: [plain]
platforms: [linux/amd64]
tags: ["1.0"]
paths: [{ path: /etc/greeting, content: "${more}\\n" }]
`

function git(folder: string, ...args: readonly string[]): void {
  const identity = ['-c', 'user.name=Ada Lovelace', '-c', 'user.email=ada@example.org', '-c', 'commit.gpgsign=false']
  execFileSync('git', [...identity, '-C', folder, ...args], { stdio: 'ignore' })
}

function commit(folder: string, text: string, message: string): void {
  mkdirSync(dirname(join(folder, 'images/plain/casemate.yaml')), { recursive: true })
  writeFileSync(join(folder, 'images/plain/casemate.yaml'), text)
  git(folder, 'add', '--all')
  git(folder, 'commit', '--quiet', '--message', message)
}

test('a factory builds what a Git repository defines: a commit is released, told to its owner, and pulled', async (t) => {
  const place = await openWorkplace(t, { debs: [{ name: 'plain', files: { '/usr/share/plain': 'as ever\n' } }] })
  const repository = join(place.folder, 'repository')
  mkdirSync(repository)
  git(repository, 'init', '--quiet', '--initial-branch=main')
  // Archives of one's own are described beside the definitions.
  cpSync(join(place.folder, 'archives'), join(repository, 'images/plain/archives'), { recursive: true })
  commit(repository, definition('hello'), 'An image')
  const heard = await hearing(t)
  place.write(
    'factory.yaml',
    `images: []
definitions: { git: "${repository}", branch: main, path: images }
archives: { poll: 1s }
notify: [{ webhook: "${heard.url}", allow-internal: 127.0.0.1, owners: [platform-team], kinds: [release] }]
`,
  )
  place.write(
    'policies.yaml',
    `policies:
  - { name: signed, expression: "evidence.refusals + evidence.refused", reason: Who made it is not shown., remedy: Sign it. }
`,
  )
  const state = databaseFolder(t)
  const start = () => new Up(place, state, '127.0.0.1:0', ['--policy', 'policies.yaml'])
  const up = start()
  t.after(() => up.end('SIGKILL'))
  const [, address = ''] = await up.printed(/status +http:\/\/(127\.0\.0\.1:\d+)\//)
  await up.printed(/plain +done +released as/)
  const pulled = execFileSync('skopeo', ['inspect', '--tls-verify=false', `docker://${address}/plain:1.0`], {
    encoding: 'utf8',
  })
  assert.match(pulled, /"Digest": "sha256:/)
  assert.equal(await up.end('SIGTERM'), 0, up.output)

  commit(repository, definition('hello, world'), 'A longer greeting')
  const again = start()
  t.after(() => again.end('SIGKILL'))
  await again.printed(/plain +done +released as/)
  for (const end = Date.now() + PATIENCE; heard.bodies.length < 2 && Date.now() < end; ) await sleep(50)
  assert.deepEqual(
    heard.bodies.map(({ data }) => data.title),
    ['plain 1.0 is published: first release', 'plain 1.0 is published: no package changed'],
  )
  assert.equal(await again.end('SIGTERM'), 0, again.output)
  const exported = await place.run(['ledger', 'export', '--state', state], {
    env: { CASEMATE_POSTGRES_USER: TEST_POSTGRES_USER },
  })
  assert.match(exported.stdout, /"kind":"definition-changed"/)
})
