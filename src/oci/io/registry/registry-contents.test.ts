import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { digestOf } from '#core'
import { MEDIA_TYPES } from '#oci'
import { RegistryStore, scrub } from '#oci/registry'
import { CONTENTS_LIMITS } from '../../registry/contents.ts'
import {
  type Answer,
  type Ask,
  authorityOf,
  closeWith,
  manifestOf,
  ownRegistry,
  putBlob,
  putImage,
  registryFolder,
} from './registry-fixtures.test.ts'

const ABSENT = `sha256:${'0'.repeat(64)}`

/** A request's list with the bytes behind it. */
interface Bulk {
  readonly contents: object[]
  readonly repositories: object[]
  readonly bytes: Buffer[]
}

const listed = (bytes: Buffer) => ({ digest: digestOf(bytes), size: bytes.length })

/** An image of one layer and what refers to it, for a repository. */
function bulkOf(repository: string, layer: string, { tag = '1', blobs = [] as object[], more = {} } = {}) {
  const config = Buffer.from('{}')
  const content = Buffer.from(layer)
  const manifest = manifestOf([layer], more)
  const subject = { mediaType: MEDIA_TYPES.manifest, ...listed(manifest) }
  const referrer = manifestOf([], { subject, artifactType: 'application/vnd.example.note' })
  const bytes = [config, content, manifest, referrer]
  const entry = {
    repository,
    blobs: [{ digest: digestOf(config) }, { digest: digestOf(content) }, ...blobs],
    manifests: [
      { digest: digestOf(manifest), mediaType: MEDIA_TYPES.manifest, tags: [{ tag }] },
      { digest: digestOf(referrer), mediaType: MEDIA_TYPES.manifest },
    ],
  }
  return { contents: bytes.map(listed), repositories: [entry], bytes, entry, manifest, referrer }
}

function bodyOf({ contents, repositories, bytes }: Bulk): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify({ contents, repositories })}\n`), ...bytes])
}

function post(ask: Ask, body: Buffer | string, user?: string): Promise<Answer> {
  return ask('POST /v2/_casemate/contents', { body, ...(user === undefined ? {} : { user }) })
}

const jsonOf = ({ body }: Answer) => JSON.parse(body.toString())

test('an image with a referrer and its tag comes in one request, with one sync, and is there after a kill', async (t) => {
  const { ask, server, folder } = await ownRegistry(t)
  const bulk = bulkOf('team/app', 'layer')
  const before = server.store.counts.batches
  const answer = await post(ask, bodyOf(bulk))
  assert.equal(answer.status, 201, answer.body.toString())
  assert.equal(jsonOf(answer).added.length, 4)
  assert.equal(server.store.counts.batches, before + 1)
  assert.deepEqual((await ask('GET /v2/team/app/manifests/1')).body, bulk.manifest)
  assert.equal((await ask(`GET /v2/team/app/blobs/${digestOf('layer')}`)).body.toString(), 'layer')
  const referrers = jsonOf(await ask(`GET /v2/team/app/referrers/${digestOf(bulk.manifest)}`))
  assert.equal(referrers.manifests[0].digest, digestOf(bulk.referrer))
  assert.equal(referrers.manifests[0].artifactType, 'application/vnd.example.note')
  const again = jsonOf(await post(ask, bodyOf(bulk)))
  assert.deepEqual([again.added, server.store.counts.batches], [[], before + 1], 'what is there is not written again')

  const copy = registryFolder(t)
  cpSync(folder, copy, { recursive: true, filter: (path) => !path.endsWith('.sock') })
  const killed = await RegistryStore.open(copy)
  closeWith(copy, () => killed.close())
  assert.equal(killed.get('team/app', '1'), digestOf(bulk.manifest))
  const { damaged, broken, contents } = await scrub(killed)
  assert.deepEqual([damaged, broken, contents], [[], [], 4])
})

test('several repositories share contents, and one that lacks anything keeps all of them out', async (t) => {
  const { ask, server } = await ownRegistry(t)
  const bulk = bulkOf('one', 'layer')
  const two = { ...bulk.entry, repository: 'two' }
  const three = { ...bulk.entry, repository: 'three', blobs: [{ digest: ABSENT }] }
  const refused = await post(ask, bodyOf({ ...bulk, repositories: [bulk.entry, two, three] }))
  assert.equal(refused.status, 409)
  assert.deepEqual(
    jsonOf(refused)
      .missing.map(({ digest }: { digest: string }) => digest)
      .sort(),
    [ABSENT, digestOf('layer'), digestOf('{}')].sort(),
    'everything at once, each once',
  )
  assert.equal(server.store.state.contents.size + server.store.state.repositories.size, 0)
  assert.equal((await post(ask, bodyOf({ ...bulk, repositories: [bulk.entry, two] }))).status, 201)
  for (const name of ['one', 'two']) assert.deepEqual((await ask(`GET /v2/${name}/manifests/1`)).body, bulk.manifest)
  const index = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.index,
      manifests: [{ mediaType: MEDIA_TYPES.manifest, ...listed(bulk.manifest) }],
    }),
  )
  const top = { digest: digestOf(index), mediaType: MEDIA_TYPES.index }
  const listOf = (repository: string) => {
    return { contents: [listed(index)], repositories: [{ repository, manifests: [top] }], bytes: [index] }
  }
  assert.deepEqual(jsonOf(await post(ask, bodyOf(listOf('four')))).missing, [
    { repository: 'four', digest: digestOf(bulk.manifest) },
  ])
  assert.equal((await post(ask, bodyOf(listOf('one')))).status, 201, 'what was there before counts')
})

test('a tag moves only from what is expected, and with it everything else stays out', async (t) => {
  const { ask, server } = await ownRegistry(t)
  const old = await putImage(ask, { repository: 'app', tag: '1' }, ['old'])
  const bulk = bulkOf('app', 'new')
  const [manifest, referrer] = bulk.entry.manifests
  const expecting = (expected: string) => {
    const entry = { ...bulk.entry, manifests: [{ ...manifest, tags: [{ tag: '1', expected }] }, referrer] }
    return post(ask, bodyOf({ ...bulk, repositories: [entry] }))
  }
  for (const wrong of ['none', ABSENT]) {
    const answer = await expecting(wrong)
    assert.deepEqual([answer.status, jsonOf(answer).moved], [409, [{ repository: 'app', tag: '1' }]])
  }
  assert.equal(server.store.state.has(digestOf(bulk.manifest) as never), false)
  const both = await Promise.all([expecting(old), expecting(old)])
  assert.deepEqual(both.map(({ status }) => status).sort(), [201, 409], 'of two that expect the same, one wins')
})

test('blobs are mounted from where whoever asks may read, and are missing alike where not', async (t) => {
  const access = `repositories:
  - { match: [own/**, base], push: ["user:eve"] }
  - { match: [secret/**], push: ["user:alice"] }
  - { match: [seen], pull: ["user:eve"], push: ["user:alice"] }
`
  const { ask } = await ownRegistry(t, { authority: authorityOf(access, ['alice', 'eve']) })
  const user = 'eve:secret'
  await putBlob(ask, 'base', 'layer', user)
  await putBlob(ask, 'secret/app', 'the secret', 'alice:secret')
  const mounting = (layer: string, from: string) => {
    const bulk = bulkOf('own/app', layer)
    const [config, , manifest, referrer] = bulk.bytes
    assert.ok(config && manifest && referrer)
    const blobs = [{ digest: digestOf(config) }, { digest: digestOf(layer), from: ['void', from] }]
    const bytes = [config, manifest, referrer]
    return { contents: bytes.map(listed), repositories: [{ ...bulk.entry, blobs }], bytes }
  }
  for (const [layer, from] of [
    ['the secret', 'secret/app'],
    ['nowhere', 'secret/app'],
    ['layer', 'nowhere'],
  ] as const) {
    const answer = await post(ask, bodyOf(mounting(layer, from)), user)
    assert.deepEqual(
      [answer.status, jsonOf(answer).missing],
      [409, [{ repository: 'own/app', digest: digestOf(layer) }]],
    )
  }
  const answer = await post(ask, bodyOf(mounting('layer', 'base')), user)
  assert.deepEqual([answer.status, jsonOf(answer).mounted.length], [201, 1], answer.body.toString())
  assert.equal((await ask(`GET /v2/own/app/blobs/${digestOf('layer')}`, { user })).body.toString(), 'layer')

  assert.equal((await post(ask, bodyOf(bulkOf('own/app', 'x')))).status, 401)
  for (const name of ['secret/app', 'seen', 'unknown']) {
    const { entry, ...bulk } = bulkOf(name, 'x')
    const own = { ...entry, repository: 'own/app' }
    const denied = await post(ask, bodyOf({ ...bulk, repositories: [own, entry] }), user)
    assert.deepEqual([denied.status, denied.code], [403, 'DENIED'], name)
  }
  assert.equal((await ask(`HEAD /v2/own/app/blobs/${digestOf('x')}`, { user })).status, 404)
})

/** What is wrong, in place of what, and the answer that it gets. */
type HostileRow = [string, Partial<Bulk>, number, string]

function hostileContents({ contents, entry, bytes }: ReturnType<typeof bulkOf>): HostileRow[] {
  const [first, ...others] = contents
  const changed = bytes.map((one, at) => (at === 1 ? Buffer.from('LAYER') : one))
  const sha512 = `sha512:${createHash('sha512').update('other').digest('hex')}`
  const other = (digest: string) => [{ ...first, digest }, ...others]
  const many = Array.from({ length: CONTENTS_LIMITS.repositories + 1 }, (_, at) => ({ ...entry, repository: `r${at}` }))
  const links = Array.from({ length: CONTENTS_LIMITS.entries }, (_, at) => ({ digest: digestOf(`${at}`) }))
  const big = { digest: ABSENT, size: CONTENTS_LIMITS.content + 1 }
  const full = Array.from({ length: 17 }, (_, at) => ({ digest: digestOf(`${at}`), size: CONTENTS_LIMITS.content }))
  return [
    ['another digest', { bytes: changed }, 400, 'DIGEST_INVALID'],
    [
      'a digest that is not of these bytes, of SHA-512',
      { contents: other(sha512), repositories: [{ ...entry, blobs: [...entry.blobs, { digest: sha512 }] }] },
      400,
      'DIGEST_INVALID',
    ],
    ['a digest of another algorithm', { contents: other('md5:00') }, 400, 'DIGEST_INVALID'],
    ['no digest', { contents: [{ size: 1 }] }, 400, 'MANIFEST_INVALID'],
    ['bytes that end too soon', { bytes: bytes.slice(0, 2) }, 400, 'SIZE_INVALID'],
    ['more bytes than are listed', { bytes: [...bytes, Buffer.from('x')] }, 400, 'SIZE_INVALID'],
    ['a negative size', { contents: [{ ...first, size: -1 }, ...others] }, 400, 'MANIFEST_INVALID'],
    ['a content that is too big', { contents: [...contents, big] }, 413, 'SIZE_INVALID'],
    ['contents that are too big together', { contents: full }, 413, 'SIZE_INVALID'],
    ['a huge count', { repositories: [{ ...entry, blobs: links }] }, 413, 'SIZE_INVALID'],
    ['too many repositories', { repositories: many }, 413, 'SIZE_INVALID'],
    ['a name that leaves the folder', { repositories: [{ ...entry, repository: '../app' }] }, 400, 'NAME_INVALID'],
    [
      'a mount from no name',
      { repositories: [{ ...entry, blobs: [{ digest: ABSENT, from: ['A'] }] }] },
      400,
      'NAME_INVALID',
    ],
  ]
}

function hostileLists(bulk: ReturnType<typeof bulkOf>): HostileRow[] {
  const { contents, entry, bytes } = bulk
  const [first, ...others] = contents
  const withTags = (tags: object[]) => [{ ...entry, manifests: [{ ...entry.manifests[0], tags }, entry.manifests[1]] }]
  const both = Buffer.from(JSON.stringify({ ...JSON.parse(bulk.manifest.toString()), manifests: [] }))
  const asIndex = { digest: digestOf(bulk.manifest), mediaType: MEDIA_TYPES.index }
  return [
    ['a repository twice', { repositories: [entry, entry] }, 400, 'MANIFEST_INVALID'],
    ['a content twice', { contents: [...contents, first ?? {}] }, 400, 'MANIFEST_INVALID'],
    ['a tag twice', { repositories: withTags([{ tag: '1' }, { tag: '1' }]) }, 400, 'MANIFEST_INVALID'],
    ['no tag', { repositories: withTags([{ tag: 'a b' }]) }, 400, 'MANIFEST_INVALID'],
    ['a tag that expects no digest', { repositories: withTags([{ tag: '1', expected: 'x' }]) }, 400, 'DIGEST_INVALID'],
    ['contents that nobody gets', { repositories: [] }, 400, 'MANIFEST_INVALID'],
    [
      'a manifest without its bytes',
      { contents: [], bytes: [], repositories: [{ repository: 'app', manifests: entry.manifests }] },
      400,
      'MANIFEST_INVALID',
    ],
    [
      'a manifest that is also an index',
      {
        contents: [listed(both)],
        bytes: [both],
        repositories: [{ repository: 'app', manifests: [{ digest: digestOf(both), mediaType: MEDIA_TYPES.manifest }] }],
      },
      400,
      'MANIFEST_INVALID',
    ],
    [
      'a manifest of another type',
      { repositories: [{ ...entry, manifests: [asIndex, entry.manifests[1]] }] },
      400,
      'MANIFEST_INVALID',
    ],
    [
      'a manifest without a blob',
      { repositories: [{ ...entry, blobs: [entry.blobs[1]] }], contents: others, bytes: bytes.slice(1) },
      409,
      '',
    ],
  ]
}

test('hostile lists and contents are refused each with its reason, and nothing is stored', async (t) => {
  const { ask, server, folder, close } = await ownRegistry(t)
  const bulk = bulkOf('app', 'layer')
  for (const [what, change, status, code] of [...hostileContents(bulk), ...hostileLists(bulk)]) {
    const answer = await post(ask, bodyOf({ ...bulk, ...change }))
    assert.deepEqual([answer.status, answer.code ?? ''], [status, code], `${what}: ${answer.body}`)
  }
  const texts: [string, string, number][] = [
    ['nothing', '', 400],
    ['no JSON', 'hello\n', 400],
    ['a key twice', '{"contents":[],"contents":[]}\n', 400],
    ['a list without end', 'x'.repeat(CONTENTS_LIMITS.list + 2), 400],
    ['JSON 100,000 levels deep', `${'['.repeat(100_000)}\n`, 400],
  ]
  for (const [what, body, status] of texts) assert.equal((await post(ask, body)).status, status, what)
  assert.equal((await ask('GET /v2/_casemate/contents')).status, 405)
  assert.equal(server.store.state.contents.size + server.store.state.repositories.size, 0)
  await close()
  assert.deepEqual(readdirSync(join(folder, 'blobs/sha256')), [])
})

test('a request that breaks off stores nothing, and too many at a time are told to come again', async (t) => {
  const { ask, server } = await ownRegistry(t)
  const body = bodyOf(bulkOf('app', 'layer'))
  const broken = connect(server.port, '127.0.0.1')
  broken.write(`POST /v2/_casemate/contents HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`)
  broken.write(body.subarray(0, body.length - 1))
  broken.destroySoon()
  await once(broken, 'close')
  assert.equal((await ask('GET /v2/app/manifests/1')).code, 'NAME_UNKNOWN')
  const size = CONTENTS_LIMITS.content
  const digests = Array.from({ length: 16 }, (_, at) => ({ digest: digestOf(`${at}`), size }))
  const repositories = [{ repository: 'app', blobs: digests.map(({ digest }) => ({ digest })) }]
  const line = `${JSON.stringify({ contents: digests, repositories })}\n`
  const head = `POST /v2/_casemate/contents HTTP/1.1\r\nHost: x\r\nContent-Length: ${line.length + 16 * size}\r\n\r\n`
  const held = Array.from({ length: 8 }, () => connect(server.port, '127.0.0.1'))
  for (const socket of held) socket.on('error', () => undefined).write(head + line)
  let refused = await post(ask, body)
  while (refused.status === 201) refused = await post(ask, body)
  assert.deepEqual([refused.status, refused.code, refused.headers['retry-after']], [429, 'TOOMANYREQUESTS', '1'])
  for (const socket of held) socket.destroy()
  let answer = await post(ask, body)
  while (answer.status === 429) answer = await post(ask, body)
  assert.equal(answer.status, 201)
})
