import assert from 'node:assert/strict'
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { catalogueNames, openDefinition } from './definition-files.ts'

/** A folder with the given files, taken away after the test; its path has no links in it. */
async function folderWith(t: TestContext, files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'definitions-')))
  t.after(() => rm(folder, { recursive: true }))
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
  return folder
}

/** Opens a reference with `images/` of the folder as catalogue. */
const open = (reference: string, folder: string) =>
  openDefinition(reference, { workingFolder: folder, catalogue: join(folder, 'images') })

test('a catalogue name and a relative path are extended in turn, each from its own folder', async (t) => {
  const folder = await folderWith(t, {
    'images/base/casemate.yaml': 'image: base\npackages: [tzdata]\npaths: [{ path: /etc/b, source: b.txt }]',
    'images/base/b.txt': 'from base',
    'team/common.yml': 'image: common\nextends: base\npackages: [curl]',
    'team/web/casemate.yaml': 'image: web\nextends: ../common.yml\npaths: [{ path: /etc/w, source: conf/w.txt }]',
    'team/web/conf/w.txt': 'from web',
  })
  const { definition, files, lockFile, isCatalogue } = await open('./team/web', folder)
  const runtime = definition.variants.get('runtime')
  assert.deepEqual(
    runtime?.packages.map(({ name }) => name),
    ['curl', 'tzdata'],
  )
  assert.deepEqual(
    runtime?.paths.map(({ path }) => path),
    ['/etc/b', '/etc/w'],
  )
  assert.deepEqual(
    [...definition.contents.values()].map((bytes) => new TextDecoder().decode(bytes)),
    ['from base', 'from web'],
  )
  assert.deepEqual(
    files,
    ['images/base/casemate.yaml', 'team/common.yml', 'team/web/casemate.yaml'].map((name) => join(folder, name)),
  )
  assert.equal(lockFile, join(folder, 'team/web/casemate.lock'))
  assert.equal(isCatalogue, false)
})

test('a catalogue image knows that it is one, and a file of another name has a lock of its own', async (t) => {
  const folder = await folderWith(t, { 'images/a/casemate.yaml': 'image: a', 'b.yaml': 'image: b' })
  assert.equal((await open('a', folder)).isCatalogue, true)
  await symlink('images', join(folder, 'linked'))
  const linked = await openDefinition('a', { workingFolder: folder, catalogue: join(folder, 'linked') })
  assert.equal(linked.isCatalogue, true)
  assert.equal((await open('b.yaml', folder)).lockFile, join(folder, 'b.lock'))
  assert.deepEqual(await catalogueNames(join(folder, 'images')), ['a'])
  assert.deepEqual(await catalogueNames(join(folder, 'nowhere')), [])
})

test('definitions that extend each other are an error that names the circle', async (t) => {
  const folder = await folderWith(t, {
    'a.yaml': 'image: a\nextends: ./b.yaml',
    'b.yaml': 'image: b\nextends: ./c.yaml',
    'c.yaml': 'image: c\nextends: ./b.yaml',
  })
  const circle = ['b.yaml', 'c.yaml', 'b.yaml'].map((name) => join(folder, name)).join(' → ')
  await assert.rejects(open('./a.yaml', folder), {
    code: 'EXTENDS_CYCLE',
    message: `cannot extend ${join(folder, 'b.yaml')}: it extends itself (${circle})`,
  })
})

const missing: [string, RegExp, string][] = [
  [
    'pythn',
    /cannot find catalogue image pythn: did you mean python\? \(a path has a slash in it: \.\/pythn\)/,
    'a misspelt name',
  ],
  ['zzz', /the catalogue has nginx, python \(a path/, 'a name near to none'],
  [
    './nowhere.yaml',
    /cannot find definition \.\/nowhere\.yaml: there is no \/.*nowhere\.yaml/,
    'a path that leads nowhere',
  ],
  ['images/nginx', /cannot find casemate\.yaml in /, 'a folder without definition'],
  ['python/x.yaml', /there is no/, 'a path that is no catalogue name'],
]
for (const [reference, message, because] of missing) {
  test(`${reference} is not found: ${because}`, async (t) => {
    const folder = await folderWith(t, { 'images/python/casemate.yaml': 'image: python', 'images/nginx/README': '' })
    await assert.rejects(open(reference, folder), { code: 'DEFINITION_NOT_FOUND', message })
  })
}

test('a definition reads no file outside its own folder, not even through a link', async (t) => {
  const folder = await folderWith(t, {
    secret: 'key',
    'web/casemate.yaml': 'image: web\npaths: [{ path: /a, source: inner }]',
    'web/missing.yaml': 'image: web\ncertificates: [none.crt]',
  })
  await symlink('../secret', join(folder, 'web/inner'))
  await assert.rejects(open('./web', folder), {
    code: 'DEFINITION_INVALID',
    message: /cannot read inner for definition .*: it leads out of the definition's folder/,
  })
  await assert.rejects(open('./web/missing.yaml', folder), { code: 'DEFINITION_INVALID', message: /none\.crt/ })
})

test('what is no text file of reasonable size is refused', async (t) => {
  const folder = await folderWith(t, {
    'latin.yaml': Uint8Array.from([...new TextEncoder().encode('image: x\ndescription: '), 0xe9]),
    'long.yaml': `image: x\n${'#'.repeat(1024 * 1024)}`,
    'folder/casemate.yaml/x': '',
  })
  const code = 'DEFINITION_INVALID'
  await assert.rejects(open('latin.yaml', folder), { code, message: /latin\.yaml: it is not UTF-8/ })
  await assert.rejects(open('long.yaml', folder), { code, message: /more than the 1048576 allowed/ })
  await assert.rejects(open('./folder', folder), { code, message: /no regular file/ })
})

test('a fault in an extended definition names the file it is in', async (t) => {
  const folder = await folderWith(t, { 'a.yaml': 'image: a\nextends: ./b.yaml', 'b.yaml': 'image: b\npakages: []' })
  await assert.rejects(open('a.yaml', folder), {
    message: /b\.yaml:2:1: unknown key `pakages`: did you mean `packages`/,
  })
})
