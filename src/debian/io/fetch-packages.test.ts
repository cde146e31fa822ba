import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { digestOf } from '#core'
import { type Fault, requestsFor, type TestArchive, testArchive, testMirror } from '#testkit'
import type { ArchivePackage } from '../package.ts'
import type { FetchProgress } from './fetch-packages.ts'
import { fetchPackages } from './fetch-packages.ts'
import { openArchive } from './open-archive.ts'

const names = ['one', 'two', 'three', 'four']
const debs = names.map((name) => ({ name, files: { [`/usr/share/${name}`]: name.repeat(50_000) } }))

async function locked(archive: TestArchive) {
  const { universe, observed, close } = await openArchive(archive.options)
  const files: ArchivePackage[] = names.flatMap((name) => universe.versions(name))
  close()
  archive.mirror.requests.length = 0
  return { files, observed }
}

const pathOf = (archive: TestArchive, file: ArchivePackage) => join(archive.folder, file.filename)

test('a locked fetch reads no index and gives files in the order asked for', async (t) => {
  const archive = await testArchive(t, { debs })
  const { files } = await locked(archive)
  const progress: FetchProgress[] = []
  const paths = await fetchPackages(files, { ...archive.options, onProgress: (each) => progress.push(each) })
  assert.deepEqual(
    paths.map((path) => digestOf(readFileSync(path))),
    files.map(({ digest }) => digest),
  )
  assert.deepEqual(
    archive.mirror.requests.filter(({ path }) => path.startsWith('/dists')),
    [],
  )
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  assert.deepEqual(progress.at(-1), { files: 4, filesDone: 4, bytes, bytesDone: bytes })
})

test('what is in the cache or in a store is not fetched; what is damaged there is', async (t) => {
  const archive = await testArchive(t, { debs })
  const { files } = await locked(archive)
  const paths = await fetchPackages(files, archive.options)
  writeFileSync(paths[0] ?? '', 'damaged')
  archive.mirror.requests.length = 0
  await fetchPackages(files, archive.options)
  assert.equal(archive.mirror.requests.length, 1)
  const empty = { ...archive.options, cache: `${archive.cache}-2`, stores: [archive.cache], offline: true }
  assert.deepEqual(await fetchPackages(files, empty), paths)
})

test('a mirror that has moved on: the rest comes from the snapshot service at the date observed', async (t) => {
  const archive = await testArchive(t, { debs, snapshot: 'http://127.0.0.1:1' })
  const { files, observed } = await locked(archive)
  const moved = files.slice(0, 3)
  const stamp = observed[0]?.date.replace(/[-:]/g, '') ?? ''
  const snapshotFolder = join(dirname(archive.folder), 'snapshot')
  cpSync(join(archive.folder, 'pool'), join(snapshotFolder, stamp, 'pool'), { recursive: true })
  for (const file of moved) rmSync(pathOf(archive, file))

  const neither = fetchPackages(files, { ...archive.options, observed })
  await assert.rejects(neither, (error: Error) => {
    assert.ok('code' in error && error.code === 'FETCH_MISSING')
    for (const { filename } of moved) {
      assert.ok(error.message.includes(`${filename} (last seen in trixie of ${observed[0]?.date})`), error.message)
    }
    return !error.message.includes('/four_')
  })

  const snapshot = await testMirror(t, snapshotFolder)
  const yaml = join(archive.archiveFolder, 'test-1.yaml')
  writeFileSync(yaml, readFileSync(yaml, 'utf8').replace('http://127.0.0.1:1', snapshot.url))
  const paths = await fetchPackages(files, { ...archive.options, observed })
  assert.equal(paths.length, 4)
  assert.equal(requestsFor(snapshot, stamp), 3)
})

test('offline, every file that is missing is named', async (t) => {
  const archive = await testArchive(t, { debs })
  const { files } = await locked(archive)
  await assert.rejects(fetchPackages(files, { ...archive.options, offline: true }), {
    code: 'OFFLINE_MISSING',
    message: /one_1.0_amd64.deb.*two_1.0_amd64.deb/,
  })
})

test('case 8: a file of the same size and another content is refused and not kept', async (t) => {
  const archive = await testArchive(t, { debs })
  const { files } = await locked(archive)
  const [first] = files
  assert.ok(first)
  writeFileSync(pathOf(archive, first), new Uint8Array(first.size))
  await assert.rejects(fetchPackages(files, archive.options), { code: 'FETCH_MISMATCH' })
  await assert.rejects(fetchPackages([first], { ...archive.options, offline: true }), { code: 'OFFLINE_MISSING' })
  assert.deepEqual(
    readdirSync(join(archive.cache, 'partial')).filter((name) => name.startsWith(first.digest.slice(7))),
    [],
  )
})

test('a download that broke off continues where it ended', async (t) => {
  const archive = await testArchive(t, { debs })
  const { files } = await locked(archive)
  const file = files[2]
  assert.ok(file)
  archive.mirror.fault = (_, count): Fault | undefined => (count === 0 ? { kind: 'truncate', after: 200 } : undefined)
  const [path] = await fetchPackages([file], archive.options)
  assert.equal(digestOf(readFileSync(path ?? '')), file.digest)
  assert.equal(archive.mirror.requests[1]?.headers.range, 'bytes=200-')
})

test('a wrong beginning that an earlier process left is thrown away, and the file fetched whole', async (t) => {
  const archive = await testArchive(t, { debs })
  const { files } = await locked(archive)
  const file = files[2]
  assert.ok(file)
  writeFileSync(join(archive.cache, 'partial', `${file.digest.slice(7)}.free`), 'wrong')
  const [path] = await fetchPackages([file], archive.options)
  assert.equal(digestOf(readFileSync(path ?? '')), file.digest)
  assert.deepEqual(
    archive.mirror.requests.map(({ headers }) => headers.range),
    ['bytes=5-', undefined],
  )
})

test('a server that ignores ranges is read from its beginning', async (t) => {
  const archive = await testArchive(t, { debs })
  const { files } = await locked(archive)
  const file = files[2]
  assert.ok(file)
  const body = readFileSync(pathOf(archive, file))
  writeFileSync(join(archive.cache, 'partial', `${file.digest.slice(7)}.free`), body.subarray(0, 100))
  archive.mirror.fault = () => ({ kind: 'body', body })
  const [path] = await fetchPackages([file], archive.options)
  assert.equal(digestOf(readFileSync(path ?? '')), file.digest)
})

test('several fetches of the same files at once all succeed', async (t) => {
  const archive = await testArchive(t, { debs })
  const { files } = await locked(archive)
  const all = await Promise.all([1, 2, 3].map(() => fetchPackages(files, archive.options)))
  assert.deepEqual(all[0], all[1])
  assert.deepEqual(readdirSync(join(archive.cache, 'partial')), [])
})

test('a file of an unknown suite is not looked for', async (t) => {
  const archive = await testArchive(t, { debs })
  const { files } = await locked(archive)
  const strange = files.map((file) => ({ ...file, suite: 'sid' }))
  await assert.rejects(fetchPackages(strange, archive.options), { code: 'ARCHIVE_UNKNOWN' })
})
