import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { DefinitionChange, FactoryEvent, FactoryStore } from '#factory'
import { testServers } from '#testkit'
import { DefinitionFolderWatch, GitDefinitionWatch } from './definition-watch.ts'
import { type GitPlace, GitRepository } from './git-repository.ts'

const servers = testServers()
const never = new AbortController().signal

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cm-definitions-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
}

const definition = (image: string, more = '') => `image: ${image}\narchive: debian-13\npackages: [tzdata]\n${more}`
const withFile = 'paths:\n  - { path: /etc/one.conf, source: one.conf }\n'
const start = {
  'one/casemate.yaml': definition('one', withFile),
  'one/one.conf': 'a = 1\n',
  'two/casemate.yaml': 'image: two\nextends: ../one\n',
  'three/casemate.yaml': definition('three'),
}

/** What was recorded, in short: the image, and its files. */
function said(events: readonly FactoryEvent[]): readonly string[] {
  return events.map(({ kind, subject, payload }) => {
    assert.equal(kind, 'definition-changed')
    const { files, gone } = payload as DefinitionChange
    return `${subject}${gone ? ' gone' : ''}: ${files.map(({ path, change }) => `${change} ${path}`).join(', ')}`
  })
}

async function watching(t: TestContext, files: Readonly<Record<string, string>> = start) {
  const folder = folderOf(t)
  write(folder, files)
  const store = await servers.store(t, 'embedded')
  const options = { store, name: 'own', folder, now: () => new Date() }
  const watch = new DefinitionFolderWatch(options)
  return { folder, store, options, watch, look: async () => said((await watch.look()).events) }
}

test('a change concerns the images whose definition it is a part of, by what is extended, and no others', async (t) => {
  const { folder, look } = await watching(t)
  assert.deepEqual(await look(), [
    'one: added one/casemate.yaml, added one/one.conf',
    'three: added three/casemate.yaml',
    'two: added one/casemate.yaml, added one/one.conf, added two/casemate.yaml',
  ])
  assert.deepEqual(await look(), [])
  write(folder, {
    'one/one.conf': 'a = 2\n',
    'one/README.md': 'nothing of the definition',
    'one/casemate.lock': 'nor this',
  })
  assert.deepEqual(await look(), ['one: changed one/one.conf', 'two: changed one/one.conf'])
  rmSync(join(folder, 'three'), { recursive: true })
  assert.deepEqual(await look(), ['three gone: removed three/casemate.yaml'])
})

test('a file that was written again as it was is no change', async (t) => {
  const { folder, look } = await watching(t)
  await look()
  write(folder, start)
  assert.deepEqual(await look(), [])
})

test('a definition that goes back to what it was is a change each time', async (t) => {
  const { folder, look, store } = await watching(t, { 'one/casemate.yaml': definition('one') })
  await look()
  for (const words of ['title: A\n', '', 'title: A\n']) {
    write(folder, { 'one/casemate.yaml': definition('one', words) })
    assert.deepEqual(await look(), ['one: changed one/casemate.yaml'])
  }
  assert.equal((await store.events.open(10)).length, 4)
})

test('what changed while nobody looked is told against what was recorded, once by whoever is first', async (t) => {
  const { folder, look, options, store } = await watching(t)
  await look()
  write(folder, { 'three/casemate.yaml': definition('three', 'title: Three\n') })
  const crashing: FactoryStore = { ...store, transaction: () => Promise.reject(new Error('killed')) }
  await assert.rejects(new DefinitionFolderWatch({ ...options, store: crashing }).look(), /killed/)
  const looks = await Promise.all([1, 2, 3].map(() => new DefinitionFolderWatch(options).look()))
  assert.deepEqual(
    looks.flatMap(({ events }) => said(events)),
    ['three: changed three/casemate.yaml'],
  )
})

test('a definition that is broken is told as that, its image stays, and the others are looked at', async (t) => {
  const { folder, watch } = await watching(t)
  await watch.look()
  write(folder, {
    'one/casemate.yaml': 'image: one\npackges: [tzdata]\n',
    'three/casemate.yaml': definition('three', 'title: T\n'),
  })
  const { events, troubles } = await watch.look()
  assert.deepEqual(said(events), ['three: changed three/casemate.yaml'])
  assert.match(troubles.join('\n'), /one\/casemate\.yaml.*packges/s)
  assert.equal((await watch.look()).troubles.length, troubles.length, 'said as long as it is so')
  write(folder, { 'one/casemate.yaml': start['one/casemate.yaml'] })
  const after = await watch.look()
  assert.deepEqual([said(after.events), after.troubles], [[], []])
})

test('two definitions of one image are told, and the first is kept', async (t) => {
  const { watch } = await watching(t, { 'a/casemate.yaml': definition('same'), 'b/casemate.yaml': definition('same') })
  const { events, troubles } = await watch.look()
  assert.deepEqual(said(events), ['same: added a/casemate.yaml'])
  assert.match(troubles.join(), /cannot take the definition b: a defines the image same as well/)
})

test('a folder that is not there is an error, and takes no image away', async (t) => {
  const { folder, watch, look } = await watching(t)
  await look()
  renameSync(folder, `${folder}-moved`)
  t.after(() => rmSync(`${folder}-moved`, { recursive: true, force: true }))
  await assert.rejects(watch.look(), { code: 'FOLDER_INVALID' })
  renameSync(`${folder}-moved`, folder)
  assert.deepEqual(await look(), [])
})

function git(folder: string, ...args: readonly string[]): string {
  const identity = ['-c', 'user.name=Ada Lovelace', '-c', 'user.email=ada@example.org', '-c', 'commit.gpgsign=false']
  return execFileSync('git', [...identity, '-C', folder, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1' },
  }).trim()
}

function commit(folder: string, files: Readonly<Record<string, string>>, message: string): string {
  write(folder, files)
  git(folder, 'add', '--all')
  git(folder, 'commit', '--quiet', '--message', message)
  return git(folder, 'rev-parse', 'HEAD')
}

async function gitWatching(t: TestContext, place: Partial<GitPlace> = {}) {
  const origin = folderOf(t)
  git(origin, 'init', '--quiet', '--initial-branch=main')
  const store = await servers.store(t, 'embedded')
  const kept = folderOf(t)
  const open = () => new GitRepository({ url: origin, ...place }, { folder: kept, environment: process.env })
  const watch = () => new GitDefinitionWatch({ store, name: 'own', repository: open(), now: () => new Date() })
  return { origin, kept, store, open, watch }
}

test('a commit is told with the images that it changes, who made it and what it is called', async (t) => {
  const { origin, watch, open } = await gitWatching(t, { branch: 'main', path: 'images' })
  const inside = (files: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(files).map(([path, text]) => [`images/${path}`, text]))
  const first = commit(origin, inside(start), 'Three images')
  const watcher = watch()
  assert.equal((await watcher.look(never)).events.length, 3)
  assert.deepEqual((await watcher.look(never)).events, [])
  commit(origin, { 'README.md': 'nothing of an image' }, 'A page')
  assert.deepEqual((await watcher.look(never)).events, [])
  const second = commit(
    origin,
    inside({ 'three/casemate.yaml': definition('three', 'title: T\n') }),
    'Three has a title',
  )
  const { events, folder } = await watch().look(never)
  assert.deepEqual(said(events), ['three: changed three/casemate.yaml'])
  const { origin: from, author } = events[0]!.payload as DefinitionChange
  assert.equal(from?.commit, second)
  assert.notEqual(from.from, first, 'the commit in between was recorded')
  assert.equal(from.isRewritten, false)
  assert.deepEqual([author?.commit, author?.author, author?.subject], [second, 'Ada Lovelace', 'Three has a title'])
  assert.ok(existsSync(join(folder, 'three/casemate.yaml')))
  assert.equal(realpathSync(open().current), realpathSync(folder))
})

test('a branch that is set back is told as that, and what it takes back is a change', async (t) => {
  const { origin, watch } = await gitWatching(t)
  commit(origin, start, 'One')
  commit(origin, { 'three/casemate.yaml': definition('three', 'title: T\n') }, 'Two')
  await watch().look(never)
  git(origin, 'reset', '--quiet', '--hard', 'HEAD~1')
  const { events } = await watch().look(never)
  assert.deepEqual(said(events), ['three: changed three/casemate.yaml'])
  assert.equal((events[0]!.payload as DefinitionChange).origin?.isRewritten, true)
})

test('nothing that a repository holds is run: no hook, no filter, no submodule', async (t) => {
  const { origin, kept, watch, open } = await gitWatching(t)
  const mark = join(kept, 'was-run')
  commit(
    origin,
    {
      ...start,
      '.gitattributes': '*.yaml filter=evil\n',
      '.gitmodules': `[submodule "x"]\n\tpath = x\n\turl = ext::touch ${mark}\n`,
    },
    'Evil',
  )
  git(origin, 'config', 'filter.evil.smudge', `touch ${mark}`)
  await watch().look(never)
  const [repository = ''] = readdirSync(kept)
  const hook = join(kept, repository, 'mirror.git/hooks/post-checkout')
  write(dirname(hook), {
    'post-checkout': `#!/bin/sh\ntouch ${mark}\n`,
    'reference-transaction': `#!/bin/sh\ntouch ${mark}\n`,
  })
  for (const name of ['post-checkout', 'reference-transaction']) chmodSync(join(dirname(hook), name), 0o755)
  commit(origin, { 'three/casemate.yaml': definition('three', 'title: T\n') }, 'More')
  const { folder } = await watch().look(never)
  assert.ok(!existsSync(mark))
  assert.ok(readFileSync(join(folder, 'three/casemate.yaml'), 'utf8').includes('title: T'))
  assert.equal(typeof (await open().fetch(never)), 'string')
})

test('a repository that is not there, a branch and a folder that it has not, are errors that say so', async (t) => {
  const { origin, kept } = await gitWatching(t)
  commit(origin, start, 'One')
  const look = (place: GitPlace) => {
    const repository = new GitRepository(place, { folder: kept, environment: process.env })
    return repository.fetch(never).then((found) => repository.checkOut(found, never))
  }
  await assert.rejects(look({ url: join(origin, 'nowhere') }), {
    code: 'GIT_FAILED',
    message: /cannot fetch of .*nowhere/,
  })
  await assert.rejects(look({ url: origin, branch: 'other' }), { code: 'GIT_FAILED', message: /other/ })
  await assert.rejects(look({ url: origin, path: 'nowhere' }), { code: 'GIT_FAILED', message: /cannot find nowhere/ })
})

const refused: [GitPlace, string][] = [
  [{ url: 'ext::sh -c touch% /tmp/x' }, 'a program in place of a protocol'],
  [{ url: 'ext::sh' }, 'the same without blanks'],
  [{ url: '--upload-pack=touch /tmp/x' }, 'an option in place of an address'],
  [{ url: '--upload-pack=x' }, 'the same without blanks'],
  [{ url: 'git://example.org/x' }, 'a protocol that proves nothing'],
  [{ url: 'http://example.org/x' }, 'a protocol that proves nothing'],
  [{ url: 'ssh://-oProxyCommand=x/y', branch: '--evil' }, 'an option in place of a branch'],
  [{ url: 'https://user:secret@example.org/x' }, 'a password'],
  [{ url: 'https://example.org/x', path: '../other' }, 'a path out of it'],
  [{ url: 'https://example.org/x', path: '/etc' }, 'a path out of it'],
  [{ url: 'example.org' }, 'no address'],
]
for (const [place, because] of refused) {
  test(`a repository is not fetched from ${JSON.stringify(place).replace('secret', '…')}: ${because}`, () => {
    const open = () => new GitRepository(place, { folder: tmpdir(), environment: {} })
    assert.throws(
      open,
      (error: Error & { code?: string }) => error.code === 'GIT_REFUSED' && !error.message.includes('secret'),
    )
  })
}

test('a change in a folder gives a hint, also in one that was made since; a folder that is not there gives none', async (t) => {
  const store = await servers.store(t, 'embedded')
  const folder = folderOf(t)
  const ends = new AbortController()
  t.after(() => ends.abort())
  const watchOf = (path: string) =>
    new DefinitionFolderWatch({ store, folder: path, name: 'hints', now: () => new Date() })
  watchOf(join(folder, 'nowhere')).hint(() => assert.fail('nothing can have changed'), ends.signal)
  let hinted = Promise.withResolvers<void>()
  watchOf(folder).hint(() => hinted.resolve(), ends.signal)
  for (const files of [start, { 'one/one.conf': 'a = 2\n' }]) {
    hinted = Promise.withResolvers<void>()
    write(folder, files)
    await hinted.promise
  }
})
