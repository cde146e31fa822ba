import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildDeb, testMirror } from '#testkit'
import { parseArchive } from '../archive.ts'
import { BUILT_IN_ARCHIVES } from './archive-folder.ts'
import { fetchPackages } from './fetch-packages.ts'
import { openArchive } from './open-archive.ts'

const readme = readFileSync(join(BUILT_IN_ARCHIVES, 'README.md'), 'utf8')
const blocks = [...readme.matchAll(/```(\w+)\n([\s\S]*?)```/g)].map(([, language, text]) => ({
  language,
  text: text ?? '',
}))
const yaml = blocks.filter(({ language }) => language === 'yaml').map(({ text }) => text)
const [commands] = blocks.filter(({ language }) => language === 'sh').map(({ text }) => text)

test('the archive files that the documentation shows are valid', () => {
  assert.deepEqual(
    yaml.map((text) => parseArchive(text, 'README.md').name),
    ['acme', 'ubuntu-24.04'],
  )
})

test('a repository made and added as the documentation says opens, and its packages can be fetched', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'casemate-private-'))
  const repository = join(root, 'repository')
  const env = { ...process.env, GNUPGHOME: join(root, 'gnupg') }
  t.after(() => {
    execFileSync('gpgconf', ['--kill', 'all'], { env })
    rmSync(root, { recursive: true, force: true })
  })
  mkdirSync(env.GNUPGHOME, { mode: 0o700 })
  mkdirSync(join(root, 'archives/keys'), { recursive: true })
  mkdirSync(repository)
  writeFileSync(join(repository, 'acme-tool_1.0_amd64.deb'), buildDeb({ name: 'acme-tool' }))
  const run = (script: string) =>
    execFileSync('sh', ['-ec', script], { cwd: repository, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  run("gpg --batch --quiet --passphrase '' --quick-gen-key acme@example.org ed25519 sign never")
  run(commands ?? 'false')
  run('mv acme.asc ../archives/keys/')
  const listing = run('gpg --with-colons --show-keys ../archives/keys/acme.asc')
  const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listing)?.[1] ?? ''
  const mirror = await testMirror(t, repository)
  const file = (yaml[0] ?? '').replace('0123456789ABCDEF0123456789ABCDEF01234567', fingerprint)
  writeFileSync(join(root, 'archives/acme.yaml'), file.replace('https://packages.example.org/apt', mirror.url))

  const place = { archiveFolders: [join(root, 'archives')], cache: join(root, 'cache'), aptFolder: root }
  const { universe, observed, close } = await openArchive({ ...place, archives: ['acme'], architecture: 'amd64' })
  const packages = universe.versions('acme-tool')
  close()
  assert.deepEqual(observed[0]?.signers, [fingerprint])
  const [path] = await fetchPackages(packages, place)
  assert.deepEqual(readFileSync(path ?? ''), readFileSync(join(repository, 'acme-tool_1.0_amd64.deb')))
})
