import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { digestOf } from '#core'
import { MEDIA_TYPES } from '#oci'
import { noise } from '../fixtures.test.ts'
import { authorityOf, manifestOf, ownRegistry, putBlob, putImage } from './registry-fixtures.test.ts'

const ABSENT = `sha256:${'0'.repeat(64)}`
const MANIFEST = { 'content-type': MEDIA_TYPES.manifest }

test('case 26: a blob with another digest, of another algorithm or without bytes is refused, and nothing is stored', async (t) => {
  const { ask, folder, close } = await ownRegistry(t)
  const sha512 = `sha512:${createHash('sha512').update('other').digest('hex')}`
  for (const digest of [ABSENT, sha512, 'md5:abc', 'sha256:XYZ', 'sha256', '']) {
    for (const body of ['some bytes', '', noise(400_000, 'big')]) {
      const answer = await ask(`POST /v2/app/blobs/uploads/?digest=${digest}`, { body })
      assert.deepEqual([answer.status, answer.code], [400, 'DIGEST_INVALID'], `${digest} over ${body.length} bytes`)
    }
  }
  const sized = await ask(`POST /v2/app/blobs/uploads/`)
  const location = String(sized.headers.location)
  const short = await ask(`PATCH ${location}`, { body: 'five!', headers: { 'content-range': '0-9' } })
  assert.deepEqual([short.status, short.code], [400, 'SIZE_INVALID'])
  await close()
  assert.deepEqual(readdirSync(join(folder, 'uploads')), [])
  assert.deepEqual(readdirSync(join(folder, 'blobs/sha256')), [])
})

test('case 26: an empty blob and one by SHA-512 are stored as what they are', async (t) => {
  const { ask } = await ownRegistry(t)
  const sha512 = `sha512:${createHash('sha512').update('five!').digest('hex')}`
  const stored = await ask(`POST /v2/app/blobs/uploads/?digest=${sha512}`, { body: 'five!' })
  assert.equal(stored.status, 201)
  assert.equal((await ask(`GET /v2/app/blobs/${sha512}`)).body.toString(), 'five!')
  assert.equal((await ask(`GET /v2/app/blobs/${await putBlob(ask, 'app', '')}`)).body.length, 0)
})

test('case 27: chunks that overlap, leave a gap or come twice get 416 with the right offset, and the upload goes on', async (t) => {
  const { ask } = await ownRegistry(t)
  const { headers } = await ask('POST /v2/app/blobs/uploads/')
  const location = String(headers.location)
  const patch = (range: string, body: string) => ask(`PATCH ${location}`, { body, headers: { 'content-range': range } })
  assert.equal((await patch('0-4', 'hello')).status, 202)
  for (const range of ['0-4', '3-7', '7-11', '4-0', 'nonsense', '99999999999999999999-1']) {
    const answer = await patch(range, 'abcde')
    assert.deepEqual([answer.status, answer.code, answer.headers.range], [416, 'BLOB_UPLOAD_INVALID', '0-4'], range)
  }
  const status = await ask(`GET ${location}`)
  assert.deepEqual([status.status, status.headers.range, status.headers.location], [204, '0-4', location])
  assert.equal((await patch('5-10', ' world')).status, 202)
  const digest = digestOf('hello world')
  assert.equal((await ask(`PUT ${location}?digest=${digest}`)).status, 201)
  assert.equal((await ask(`GET /v2/app/blobs/${digest}`)).body.toString(), 'hello world')
  assert.equal((await ask(`GET ${location}`)).status, 404)
})

test('case 27: a second request that writes to the same upload at the same time gets 416', async (t) => {
  const { ask, server } = await ownRegistry(t)
  const { headers } = await ask('POST /v2/app/blobs/uploads/')
  const socket = connect(server.port, '127.0.0.1')
  socket.write(`PATCH ${headers.location} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello`)
  await waitFor(async () => (await ask(`GET ${headers.location}`)).headers.range === '0-4')
  const second = await ask(`PATCH ${headers.location}`, { body: 'other' })
  assert.deepEqual([second.status, second.code], [416, 'BLOB_UPLOAD_INVALID'])
  const [reply] = await Promise.all([once(socket, 'data'), socket.write('world')])
  assert.match(String(reply), /^HTTP\/1\.1 202 /)
  socket.destroy()
  assert.equal((await ask(`PUT ${headers.location}?digest=${digestOf('helloworld')}`)).status, 201)
})

test('case 27: an upload whose connection broke, and one whose registry was stopped, go on where the bytes ended', async (t) => {
  const first = await ownRegistry(t)
  const bytes = noise(2_000_000, 'resumed')
  const { headers } = await first.ask('POST /v2/app/blobs/uploads/')
  const socket = connect(first.server.port, '127.0.0.1')
  socket.write(`PATCH ${headers.location} HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes.length}\r\n\r\n`)
  socket.write(bytes.subarray(0, 1_200_000))
  await waitFor(async () => (await first.ask(`GET ${headers.location}`)).headers.range === '0-1199999')
  socket.destroy()
  await first.close()
  const second = await ownRegistry(t, {}, first.folder)
  const range = String((await second.ask(`GET ${headers.location}`)).headers.range)
  const start = Number(range.split('-')[1]) + 1
  assert.ok(start > 500_000 && start <= 1_200_000, range)
  const rest = { body: bytes.subarray(start), headers: { 'content-range': `${start}-${bytes.length - 1}` } }
  assert.equal((await second.ask(`PUT ${headers.location}?digest=${digestOf(bytes)}`, rest)).status, 201)
  assert.deepEqual((await second.ask(`GET /v2/app/blobs/${digestOf(bytes)}`)).body, Buffer.from(bytes))
})

test('case 28: manifests that lack a blob or that two readers could understand differently get their 4xx', async (t) => {
  const { ask } = await ownRegistry(t)
  await putImage(ask, { repository: 'app', tag: 'good' }, ['layer'])
  const good = JSON.parse(manifestOf(['layer']).toString())
  const child = { mediaType: MEDIA_TYPES.manifest, digest: ABSENT, size: 3 }
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [child] }
  const rows: [string, string | Buffer, string, number, string][] = [
    ['a missing blob', manifestOf(['layer', 'absent']), MEDIA_TYPES.manifest, 404, 'MANIFEST_BLOB_UNKNOWN'],
    ['an index of a missing manifest', JSON.stringify(index), MEDIA_TYPES.index, 404, 'MANIFEST_BLOB_UNKNOWN'],
    [
      'both layers and manifests (CVE-2021-41190)',
      JSON.stringify({ ...good, manifests: [] }),
      MEDIA_TYPES.manifest,
      400,
      'MANIFEST_INVALID',
    ],
    ['an index with layers', JSON.stringify({ ...index, layers: [] }), MEDIA_TYPES.index, 400, 'MANIFEST_INVALID'],
    ['another type than its request', manifestOf(['layer']), MEDIA_TYPES.index, 400, 'MANIFEST_INVALID'],
    ['a key twice', '{"schemaVersion":2,"schemaVersion":2}', MEDIA_TYPES.manifest, 400, 'MANIFEST_INVALID'],
    [
      'JSON 100,000 levels deep',
      `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
      MEDIA_TYPES.manifest,
      400,
      'MANIFEST_INVALID',
    ],
    ['no JSON', 'hello', MEDIA_TYPES.manifest, 400, 'MANIFEST_INVALID'],
    ['nothing', '', MEDIA_TYPES.manifest, 400, 'MANIFEST_INVALID'],
    ['an unknown type', '{"schemaVersion":2}', 'application/json', 400, 'MANIFEST_INVALID'],
    [
      'a digest of another algorithm',
      JSON.stringify({ ...good, layers: [{ ...good.layers[0], digest: 'md5:00' }] }),
      MEDIA_TYPES.manifest,
      400,
      'MANIFEST_INVALID',
    ],
    [
      'more than 4 MiB',
      manifestOf(['layer'], { annotations: { a: 'x'.repeat(4 * 1024 * 1024) } }),
      MEDIA_TYPES.manifest,
      413,
      'SIZE_INVALID',
    ],
  ]
  for (const [what, body, type, status, code] of rows) {
    const answer = await ask('PUT /v2/app/manifests/bad', { body, headers: { 'content-type': type } })
    assert.deepEqual([answer.status, answer.code], [status, code], what)
  }
  assert.equal((await ask('GET /v2/app/manifests/bad')).status, 404)
  assert.equal(
    (await ask(`PUT /v2/app/manifests/${ABSENT}`, { body: manifestOf(['layer']), headers: MANIFEST })).code,
    'DIGEST_INVALID',
  )
})

test('case 28: a missing subject is no fault, a nested index is none, and 4 MiB less a little fits', async (t) => {
  const { ask } = await ownRegistry(t)
  const subject = { mediaType: MEDIA_TYPES.manifest, digest: ABSENT, size: 3 }
  await putImage(ask, { repository: 'app', tag: 'signature', more: { subject } }, ['layer'])
  const digest = await putImage(
    ask,
    { repository: 'app', more: { annotations: { a: 'x'.repeat(4 * 1024 * 1024 - 2000) } } },
    ['layer'],
  )
  const put = async (type: string, manifests: object[]) => {
    const body = JSON.stringify({ schemaVersion: 2, mediaType: type, manifests })
    const answer = await ask(`PUT /v2/app/manifests/${digestOf(body)}`, { body, headers: { 'content-type': type } })
    assert.equal(answer.status, 201, answer.body.toString())
    return { mediaType: type, digest: digestOf(body), size: body.length }
  }
  const inner = await put(MEDIA_TYPES.index, [{ mediaType: MEDIA_TYPES.manifest, digest, size: 1 }])
  await put(MEDIA_TYPES.index, [inner])
  await put(MEDIA_TYPES.index, [])
})

test('case 29: names that leave the folder, are encoded, too long or of the API itself get 400 or 404', async (t) => {
  const { ask } = await ownRegistry(t)
  const names = [
    '..',
    'a/../b',
    '%2e%2e',
    'a/%2e%2e/b',
    'a%2fb',
    'a%2Fb',
    'A',
    'a//b',
    '.a',
    'a_',
    '_catalog',
    'a'.repeat(256),
    'a%00',
    'a%',
    'a\\b',
    'a:b',
  ]
  for (const name of names) {
    for (const path of [`manifests/latest`, `blobs/${ABSENT}`, 'tags/list', `referrers/${ABSENT}`]) {
      const answer = await ask(`GET /v2/${name}/${path}`)
      assert.deepEqual([answer.status, answer.code], [400, 'NAME_INVALID'], `${name}/${path}`)
    }
    assert.equal((await ask(`POST /v2/${name}/blobs/uploads/`)).status, 400, name)
  }
  for (const path of ['/v2/_catalog/x', '/v2//', '/v2/a', '/', '//v2/', '/v2/../v2/', '/etc/passwd']) {
    assert.equal((await ask(`GET ${path}`)).status, 404, path)
  }
  assert.equal((await ask(`GET /v2/${'a'.repeat(255)}/tags/list`)).code, 'NAME_UNKNOWN')
})

test('case 30: a blob is readable only through a repository that has it, and mounts only from where its reader may read', async (t) => {
  const access =
    'repositories:\n  - { match: [own/**], push: ["user:eve"] }\n  - { match: [secret/**], push: ["user:alice"] }'
  const { ask } = await ownRegistry(t, { authority: authorityOf(access, ['alice', 'eve']) })
  const secret = await putBlob(ask, 'secret/app', 'the secret', 'alice:secret')
  const user = 'eve:secret'
  assert.equal((await ask(`GET /v2/secret/app/blobs/${secret}`, { user })).status, 403)
  assert.equal((await ask(`HEAD /v2/own/app/blobs/${secret}`, { user })).status, 404)
  const mount = await ask(`POST /v2/own/app/blobs/uploads/?mount=${secret}&from=secret/app`, { user })
  const absent = await ask(`POST /v2/own/app/blobs/uploads/?mount=${ABSENT}&from=secret/app`, { user })
  assert.deepEqual([mount.status, absent.status], [202, 202], 'what may not be read is as if it were not there')
  const guess = await ask(`PUT ${mount.headers.location}?digest=${secret}`, { user })
  assert.deepEqual(
    [guess.status, guess.code],
    [400, 'DIGEST_INVALID'],
    'knowing a digest is not having the bytes (CVE-2024-39897)',
  )
  await putBlob(ask, 'own/app', '{}', user)
  const reference = await ask('PUT /v2/own/app/manifests/1', {
    body: manifestOf(['the secret']),
    headers: MANIFEST,
    user,
  })
  assert.equal(reference.code, 'MANIFEST_BLOB_UNKNOWN')
  assert.equal((await ask(`HEAD /v2/own/app/blobs/${secret}`, { user })).status, 404)
  await putBlob(ask, 'own/app', 'the secret', user)
  assert.equal((await ask(`GET /v2/own/app/blobs/${secret}`, { user })).status, 200, 'who has the bytes may store them')
})

test('case 31: pages of tags, repositories and referrers are capped whatever is asked for', async (t) => {
  const { ask, server } = await ownRegistry(t)
  const digest = await putImage(ask, { repository: 'app', tag: 'first' }, ['layer'])
  const tags = Array.from({ length: 2500 }, (_, index) => `t${String(index).padStart(5, '0')}`)
  assert.deepEqual(
    await server.store.moveTags(
      'app',
      tags.map((tag) => ({ tag, expected: undefined, next: digest })),
    ),
    { moved: true },
  )
  for (const n of ['1000000000', '999999999999999999']) {
    const { body, headers } = await ask(`GET /v2/app/tags/list?n=${n}`)
    assert.equal(JSON.parse(body.toString()).tags.length, 1000)
    assert.match(String(headers.link), /^<\/v2\/app\/tags\/list\?n=1000&last=t00998>; rel="next"$/)
  }
  const all: string[] = []
  for (let path = '/v2/app/tags/list?n=700'; path !== ''; ) {
    const { body, headers } = await ask(`GET ${path}`)
    all.push(...JSON.parse(body.toString()).tags)
    path = /^<(.*)>/.exec(String(headers.link ?? ''))?.[1] ?? ''
  }
  assert.deepEqual(all, ['first', ...tags])
  for (const n of ['-1', 'x', '1e9', '9'.repeat(40)])
    assert.equal((await ask(`GET /v2/app/tags/list?n=${n}`)).status, 400, n)
  const none = await ask('GET /v2/app/tags/list?n=0')
  assert.deepEqual([JSON.parse(none.body.toString()).tags, none.headers.link], [[], undefined])
})

test('case 33: headers that drip and bodies that drip lose their connection, and others are served meanwhile', async (t) => {
  const { ask, server } = await ownRegistry(t, { limits: { headers: 400, pace: 1024, paceGrace: 400 } })
  const { headers } = await ask('POST /v2/app/blobs/uploads/')
  const header = connect(server.port, '127.0.0.1')
  const body = connect(server.port, '127.0.0.1')
  body.write(`PATCH ${headers.location} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n`)
  header.write('GET /v2/ HTTP/1.1\r\n')
  const drip = setInterval(() => {
    for (const socket of [header, body]) if (!socket.destroyed) socket.write('x')
  }, 50)
  for (const socket of [header, body]) socket.on('error', () => undefined).resume()
  const closed = Promise.all([once(header, 'close'), once(body, 'close')])
  assert.equal((await ask('GET /v2/')).status, 200)
  await closed
  clearInterval(drip)
  assert.ok(Number(String((await ask(`GET ${headers.location}`)).headers.range).split('-')[1]) < 1000)
})

test('case 33: ten thousand idle uploads are neither begun by one client nor kept', async (t) => {
  const { ask, server } = await ownRegistry(t, { limits: { uploadsOfClient: 100, uploadIdle: 2500 } })
  const begin = () => ask('POST /v2/app/blobs/uploads/')
  for (let count = 0; count < 100; count++) assert.equal((await begin()).status, 202)
  const refused = await begin()
  assert.deepEqual([refused.status, refused.code, refused.headers['retry-after']], [429, 'TOOMANYREQUESTS', '60'])
  await waitFor(async () => (await begin()).status === 202)
  // They end one by one, so all that is certain is that they end.
  await waitFor(async () => /^casemate_registry_uploads [1-9]\d?$/m.test(server.metrics.format()))
})

test('case 33: requests with two lengths are refused before anything is read of them', async (t) => {
  const { server } = await ownRegistry(t)
  const requests = [
    'POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v2/ HTTP/1.1\r\n\r\n',
    'POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!',
    'POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
    'GET /v2/ HTTP/1.1\nHost: x\n\n\r\n',
  ]
  for (const request of requests) {
    const socket = connect(server.port, '127.0.0.1')
    socket.end(request)
    const reply = Buffer.concat(await socket.toArray()).toString()
    assert.match(reply, /^HTTP\/1\.1 400 /, request)
    assert.equal(reply.match(/HTTP\/1\.1/g)?.length, 1, 'one answer, not two')
  }
})

test('case 33: ranges that run backwards, lie outside or are many get 416; good ones get their bytes', async (t) => {
  const { ask } = await ownRegistry(t)
  const digest = await putBlob(ask, 'app', 'hello world')
  const get = (range: string) => ask(`GET /v2/app/blobs/${digest}`, { headers: { range } })
  for (const range of [
    'bytes=500-0',
    'bytes=11-',
    'bytes=0-1,3-4',
    `bytes=${'0-0,'.repeat(500)}0-0`,
    'bytes=-0',
    'bytes=-',
    'bytes=a-b',
  ]) {
    const answer = await get(range)
    assert.deepEqual([answer.status, answer.headers['content-range']], [416, 'bytes */11'], range)
  }
  const parts: [string, string, string][] = [
    ['bytes=0-4', 'hello', 'bytes 0-4/11'],
    ['bytes=6-', 'world', 'bytes 6-10/11'],
    ['bytes=-5', 'world', 'bytes 6-10/11'],
    ['bytes=6-500', 'world', 'bytes 6-10/11'],
    ['bytes=-500', 'hello world', 'bytes 0-10/11'],
  ]
  for (const [range, body, shown] of parts) {
    const answer = await get(range)
    assert.deepEqual(
      [answer.status, answer.body.toString(), answer.headers['content-range']],
      [206, body, shown],
      range,
    )
  }
  assert.equal((await get('lines=1-2')).status, 200)
})

/** Asks again until it is so, for some seconds at most. */
async function waitFor(isSo: () => Promise<boolean>): Promise<void> {
  for (let tried = 0; tried < 200; tried++) {
    if (await isSo()) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  assert.fail('it never came to be')
}
