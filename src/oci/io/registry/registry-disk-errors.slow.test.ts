import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { digestOf, hexOf } from '#core'
import { MEDIA_TYPES } from '#oci'
import { noise } from '../fixtures.test.ts'
import {
  type Answer,
  type Ask,
  asker,
  closeWith,
  manifestOf,
  putImage,
  registryFolder,
} from './registry-fixtures.test.ts'

const program = resolve(import.meta.dirname, '../../../cli/main.ts')
/** Of a blob that goes into the journal, and of one that is a file at once. */
const [SMALL, LARGE] = [20_000, 3_000_000]

/** System calls that fail, as the kernel answers them when a disk does. */
interface Fault {
  readonly calls: string
  readonly error?: 'EIO' | 'ENOSPC' | 'EDQUOT' | 'EROFS'
  /** The only file that it is about. */
  readonly path?: string
  /** Which of these calls, as strace counts them. */
  readonly when?: string
}

/** A registry in a process of its own. */
interface Served {
  readonly ask: Ask
  /** Makes system calls of it fail while some work is done. */
  during<Result>(fault: Fault, work: () => Promise<Result>): Promise<Result>
  /** The paths of the files that it has open. */
  openFiles(): string[]
  /** Kills it and starts it again. */
  restart(): Promise<Served>
}

async function served(t: TestContext, folder: string): Promise<Served> {
  const args = ['--conditions=source', program, 'registry', 'serve', folder, '--listen', '127.0.0.1:0']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const errors: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
  closeWith(folder, () => killed(child))
  const [line] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => [''])])
  const address = /http:\/\/(\S+)/.exec(String(line))?.[1]
  assert.ok(address, `it did not start: ${Buffer.concat(errors)}`)
  return {
    ask: asker(address),
    async during(fault, work) {
      const end = await inject(child.pid ?? 0, fault)
      try {
        return await work()
      } finally {
        await end()
      }
    },
    openFiles() {
      const folder = `/proc/${child.pid}/fd`
      return readdirSync(folder).map((number) => readlinkSync(join(folder, number)))
    },
    async restart() {
      await killed(child)
      return served(t, folder)
    },
  }
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** Attaches strace to every thread of a process; gives what takes it away again. */
async function inject(pid: number, { calls, error = 'EIO', path, when }: Fault): Promise<() => Promise<void>> {
  const filter = path === undefined ? [] : ['--trace-path', path]
  const order = `inject=${calls}:error=${error}${when === undefined ? '' : `:when=${when}`}`
  const traced = ['-e', `trace=${calls}`, '-e', order, ...filter]
  const strace = spawn('strace', ['-f', '-p', String(pid), '-o', '/dev/null', ...traced], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = once(strace, 'exit')
  let said = ''
  strace.stderr.on('data', (chunk) => {
    said += chunk
  })
  const isAttached = () =>
    readdirSync(`/proc/${pid}/task`).every((task) =>
      /^TracerPid:\t[1-9]/m.test(readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8')),
    )
  while (!isAttached()) {
    assert.equal(strace.exitCode, null, `strace cannot attach to the registry: ${said}`)
    await setTimeout(10)
  }
  // It has them; each of them still has to stop once.
  await setTimeout(200)
  return async () => {
    strace.kill('SIGINT')
    await ended
  }
}

const upload = (ask: Ask, bytes: Uint8Array) =>
  ask(`POST /v2/app/blobs/uploads/?digest=${digestOf(bytes)}`, { body: bytes })
const push = (ask: Ask, tag: string, layers: readonly Uint8Array[]) =>
  ask(`PUT /v2/app/manifests/${tag}`, { body: manifestOf(layers), headers: { 'content-type': MEDIA_TYPES.manifest } })

const newestJournal = (folder: string) =>
  join(folder, 'journal', readdirSync(join(folder, 'journal')).sort().at(-1) ?? '')

/** What is tried while a disk fails, and has to be refused or durable. */
async function pushes(ask: Ask, name: string, layers: readonly Uint8Array[]) {
  const [small, large] = [noise(SMALL, `small ${name}`), noise(LARGE, `large ${name}`)]
  return [
    { what: 'a small blob', path: `blobs/${digestOf(small)}`, answer: await upload(ask, small) },
    { what: 'a large blob', path: `blobs/${digestOf(large)}`, answer: await upload(ask, large) },
    { what: 'a tag', path: `manifests/${name}`, answer: await push(ask, name, layers) },
  ]
}

const faults: readonly [what: string, status: number, refused: readonly string[], fault: (folder: string) => Fault][] =
  [
    ['does not sync', 503, ['a small blob', 'a large blob', 'a tag'], () => ({ calls: 'fsync,fdatasync' })],
    [
      'does not take the journal',
      503,
      ['a small blob', 'a large blob', 'a tag'],
      (folder) => ({ calls: 'write,writev,pwritev', path: newestJournal(folder) }),
    ],
    [
      'does not take the journal, nor a step back in it',
      503,
      // Then the next journal is begun, and that one works.
      ['a small blob'],
      (folder) => ({ calls: 'write,writev,pwritev,ftruncate', path: newestJournal(folder) }),
    ],
    [
      'has no space for the journal',
      507,
      ['a small blob', 'a large blob', 'a tag'],
      (folder) => ({ calls: 'write,writev,pwritev', path: newestJournal(folder), error: 'ENOSPC' }),
    ],
    [
      'takes no new files any more',
      503,
      ['a large blob'],
      () => ({ calls: 'openat,rename,unlink,unlinkat', error: 'EROFS' }),
    ],
    ['does not rename', 503, ['a large blob'], () => ({ calls: 'rename,renameat,renameat2' })],
    ['does not open files', 503, ['a large blob'], () => ({ calls: 'openat' })],
    ['has a quota that is used up', 507, ['a large blob'], () => ({ calls: 'openat', error: 'EDQUOT' })],
  ]
for (const [what, status, refused, faultIn] of faults) {
  test(`a disk that ${what} gives ${status}, nothing half published, and the registry recovers alone`, async (t) => {
    const folder = registryFolder(t)
    const registry = await served(t, folder)
    const layers = [noise(SMALL, 'a layer'), noise(LARGE, 'another')]
    const good = await putImage(registry.ask, { repository: 'app', tag: 'good' }, layers)

    const tried = await registry.during(faultIn(folder), async () => {
      const answers = await pushes(registry.ask, 'tried', layers)
      assert.equal((await registry.ask('GET /v2/app/manifests/good')).status, 200, 'reading goes on')
      return answers
    })
    for (const { what, answer } of tried) {
      const wanted = refused.includes(what) ? [status, 'UNAVAILABLE'] : [201, undefined]
      assert.deepEqual([answer.status, answer.code], wanted, what)
    }
    await isAsAcknowledged(registry.ask, tried)
    const again = await pushes(registry.ask, 'again', layers)
    for (const { what, answer } of again) assert.equal(answer.status, 201, `${what} goes through once the disk works`)

    const { ask } = await registry.restart()
    await isAsAcknowledged(ask, [...tried, ...again])
    assert.equal(digestOf((await ask('GET /v2/app/manifests/good')).body), good)
    assert.deepEqual(readdirSync(join(folder, 'uploads')), [], 'nothing half written is left')
  })
}

/** What was acknowledged is there, whole; what was refused is not. */
async function isAsAcknowledged(ask: Ask, tried: readonly { what: string; path: string; answer: Answer }[]) {
  for (const { what, path, answer } of tried) {
    const found = await ask(`GET /v2/app/${path}`)
    assert.equal(found.status, answer.status === 201 ? 200 : 404, what)
    if (found.status === 200) assert.equal(digestOf(found.body), answer.headers['docker-content-digest'], what)
  }
}

test('a registry that is killed while its disk does not sync comes back with all that it acknowledged, and no tag leads to nothing', async (t) => {
  const folder = registryFolder(t)
  const registry = await served(t, folder)
  const layers = [noise(SMALL, 'a layer'), noise(LARGE, 'another')]
  const good = await putImage(registry.ask, { repository: 'app', tag: 'good' }, layers)
  const killed = await registry.during({ calls: 'fsync,fdatasync' }, async () => {
    const tried = await pushes(registry.ask, 'tried', layers)
    assert.deepEqual([...new Set(tried.map(({ answer }) => answer.status))], [503])
    return registry.restart()
  })
  const { ask } = killed
  assert.equal(digestOf((await ask('GET /v2/app/manifests/good')).body), good)
  const { tags } = JSON.parse((await ask('GET /v2/app/tags/list')).body.toString())
  for (const tag of tags) {
    const { status, body } = await ask(`GET /v2/app/manifests/${tag}`)
    assert.equal(status, 200, tag)
    const manifest = JSON.parse(body.toString())
    for (const { digest } of [manifest.config, ...manifest.layers]) {
      assert.equal(digestOf((await ask(`GET /v2/app/blobs/${digest}`)).body), digest, tag)
    }
  }
})

for (const calls of ['fdatasync', 'fsync,fdatasync']) {
  test(`a disk that fails for long (${calls}) is not filled with journals, nor are they kept open`, async (t) => {
    const folder = registryFolder(t)
    const registry = await served(t, folder)
    await registry.during({ calls }, async () => {
      for (let count = 0; count < 20; count++) {
        assert.equal((await upload(registry.ask, noise(SMALL, `blob ${count}`))).status, 503)
      }
    })
    assert.ok(readdirSync(join(folder, 'journal')).length <= 2)
    assert.equal(registry.openFiles().filter((path) => path.endsWith('.journal')).length, 1)
    assert.equal((await upload(registry.ask, noise(SMALL, 'blob 0'))).status, 201)
    assert.equal(readdirSync(join(folder, 'journal')).length, 1)
  })
}

test('an upload whose file cannot be written is over, and can be begun anew', async (t) => {
  const folder = registryFolder(t)
  const { ask, during } = await served(t, folder)
  const bytes = noise(LARGE, 'in two parts')
  const { headers } = await ask('POST /v2/app/blobs/uploads/')
  const place = String(headers.location)
  assert.equal((await ask(`PATCH ${place}`, { body: bytes.subarray(0, LARGE / 2) })).status, 202)
  const path = join(folder, 'uploads', String(headers['docker-upload-uuid']))
  await during({ calls: 'write,writev,pwritev', path }, async () => {
    const { status, code } = await ask(`PATCH ${place}`, { body: bytes.subarray(LARGE / 2) })
    assert.deepEqual([status, code], [503, 'UNAVAILABLE'])
  })
  assert.equal((await ask(`PUT ${place}?digest=${digestOf(bytes)}`)).code, 'BLOB_UPLOAD_UNKNOWN')
  assert.deepEqual(readdirSync(join(folder, 'uploads')), [])
  assert.equal((await upload(ask, bytes)).status, 201)
})

test('a blob that cannot be read is an error, never another or a shorter one, and is served again once it can be', async (t) => {
  const folder = registryFolder(t)
  const { ask, during } = await served(t, folder)
  const bytes = noise(LARGE, 'a file')
  const digest = digestOf(bytes)
  assert.equal((await upload(ask, bytes)).status, 201)
  const path = join(folder, 'blobs/sha256', hexOf(digest))
  const get = () => ask(`GET /v2/app/blobs/${digest}`)
  const refusals = [
    await during({ calls: 'openat', path }, get),
    await during({ calls: 'read,pread64', path }, get),
    await during({ calls: 'statx,stat,newfstatat', path }, () => ask(`HEAD /v2/app/blobs/${digest}`)),
  ]
  for (const { status } of refusals) assert.equal(status, 503)
  // Once an answer has begun, only the end of the connection tells that it is not whole. strace counts for each thread.
  await during({ calls: 'read,pread64', path, when: '2+' }, () => assert.rejects(get(), { code: 'ECONNRESET' }))
  assert.deepEqual((await get()).body, Buffer.from(bytes))
})

test('a manifest that cannot be read is an error, and is served again once it can be', async (t) => {
  const folder = registryFolder(t)
  const before = await served(t, folder)
  const digest = await putImage(before.ask, { repository: 'app', tag: 'good' }, [noise(SMALL, 'a layer')])
  // What a sync has failed for goes into files, and who starts again has nothing of it in memory.
  await before.during({ calls: 'fsync,fdatasync' }, () => upload(before.ask, noise(SMALL, 'x')))
  assert.equal((await upload(before.ask, noise(SMALL, 'x'))).status, 201)
  const { ask, during } = await before.restart()
  const path = join(folder, 'blobs/sha256', hexOf(digest))
  const get = () => ask('GET /v2/app/manifests/good')
  for (const calls of ['openat', 'read,pread64']) {
    const { status, code } = await during({ calls, path }, get)
    assert.deepEqual([status, code], [503, 'UNAVAILABLE'], calls)
  }
  assert.equal(digestOf((await get()).body), digest)
})
