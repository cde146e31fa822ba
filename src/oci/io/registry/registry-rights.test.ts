import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { MEDIA_TYPES, openImage, parseReference, pushImage, type RegistryReference } from '#oci'
import { parseAccess } from '../../registry/access.ts'
import { sampleImage, testFolder } from '../fixtures.test.ts'
import {
  type Answer,
  type Ask,
  authorityOf,
  manifestOf,
  ownRegistry,
  putBlob,
  putImage,
} from './registry-fixtures.test.ts'

const ACCESS = `
groups: { writers: [wanda, walter] }
repositories:
  - { match: [open/*], pull: [anonymous] }
  - { match: [team/**], pull: ["user:rita"], push: ["group:writers"], delete: ["user:dora"] }
  - { match: [shared/*], pull: [authenticated] }
  - { match: ["**"], admin: ["user:ada"] }
`
const USERS = ['ada', 'dora', 'rita', 'walter', 'wanda', 'stranger']
const MANIFEST = { 'content-type': MEDIA_TYPES.manifest }

/** What can be asked of a repository that has an image \`1\`, and the statuses that mean it was allowed. */
const requests: Readonly<Record<string, (ask: Ask, repository: string, user: string | undefined) => Promise<Answer>>> =
  {
    'pull manifest': (ask, name, user) => ask(`GET /v2/${name}/manifests/1`, as(user)),
    'pull blob': (ask, name, user) => ask(`GET /v2/${name}/blobs/${digestOf('layer')}`, as(user)),
    'list tags': (ask, name, user) => ask(`GET /v2/${name}/tags/list`, as(user)),
    'list referrers': (ask, name, user) => ask(`GET /v2/${name}/referrers/${digestOf('x')}`, as(user)),
    'begin upload': (ask, name, user) => ask(`POST /v2/${name}/blobs/uploads/`, as(user)),
    'push blob': (ask, name, user) =>
      ask(`POST /v2/${name}/blobs/uploads/?digest=${digestOf('new')}`, { ...as(user), body: 'new' }),
    'push manifest': (ask, name, user) =>
      ask(`PUT /v2/${name}/manifests/2`, { ...as(user), body: manifestOf(['layer']), headers: MANIFEST }),
    'delete blob': (ask, name, user) => ask(`DELETE /v2/${name}/blobs/${digestOf('spare')}`, as(user)),
    'delete tag': (ask, name, user) => ask(`DELETE /v2/${name}/manifests/1`, as(user)),
  }

const as = (user: string | undefined) => (user === undefined ? {} : { user: `${user}:secret` })
const PULL = ['pull manifest', 'pull blob', 'list tags', 'list referrers']
const PUSH = [...PULL, 'begin upload', 'push blob', 'push manifest']
const DELETE = ['delete blob', 'delete tag']
const ALL = [...PUSH, ...DELETE]

/** Who may do what where; everything that is not named is refused. */
const table: readonly [user: string | undefined, repository: string, may: readonly string[]][] = [
  [undefined, 'open/app', PULL],
  [undefined, 'team/app', []],
  [undefined, 'shared/app', []],
  ['stranger', 'open/app', PULL],
  ['stranger', 'team/app', []],
  ['stranger', 'shared/app', PULL],
  ['rita', 'team/app', PULL],
  ['rita', 'team/deep/app', PULL],
  ['rita', 'other/app', []],
  ['wanda', 'team/app', PUSH],
  ['walter', 'team/deep/app', PUSH],
  ['wanda', 'open/app', PULL],
  ['dora', 'team/app', DELETE],
  ['dora', 'open/app', PULL],
  ['ada', 'team/app', ALL],
  ['ada', 'other/app', ALL],
]

for (const [user, repository, may] of table) {
  test(`${user ?? 'somebody unknown'} in ${repository}: ${may.length === 0 ? 'nothing' : may.join(', ')}, and nothing else`, async (t) => {
    const { ask } = await ownRegistry(t, { authority: authorityOf(ACCESS, USERS) })
    await putImage(ask, { repository, tag: '1', user: 'ada:secret' }, ['layer'])
    await putBlob(ask, repository, 'spare', 'ada:secret')
    for (const [what, request] of Object.entries(requests)) {
      const { status } = await request(ask, repository, user)
      const refused = user === undefined ? 401 : 403
      if (may.includes(what)) assert.ok(status >= 200 && status < 300, `${what}: ${status}`)
      else assert.equal(status, refused, what)
    }
  })
}

const mounts: readonly [user: string, from: string, to: string, status: number, because: string][] = [
  ['wanda', 'team/a', 'team/b', 201, 'she may read there and write here'],
  ['wanda', 'open/a', 'team/b', 201, 'everybody may read there'],
  ['wanda', 'other/a', 'team/b', 202, 'she may not read there, so it is as if it were not there'],
  ['wanda', 'team/a', 'other/b', 403, 'she may not write here'],
  ['rita', 'team/a', 'team/b', 403, 'reading is not writing'],
  ['ada', 'other/a', 'team/b', 201, 'an administrator may'],
]

for (const [user, from, to, status, because] of mounts) {
  test(`a mount by ${user} from ${from} to ${to} gives ${status}: ${because}`, async (t) => {
    const { ask } = await ownRegistry(t, { authority: authorityOf(ACCESS, USERS) })
    const digest = await putBlob(ask, from, 'shared layer', 'ada:secret')
    const answer = await ask(`POST /v2/${to}/blobs/uploads/?mount=${digest}&from=${from}`, as(user))
    assert.equal(answer.status, status)
    const seen = await ask(`HEAD /v2/${to}/blobs/${digest}`, as('ada'))
    assert.equal(seen.status, status === 201 ? 200 : 404)
  })
}

test('the catalogue shows each what he may read, and metrics are for administrators', async (t) => {
  const { ask } = await ownRegistry(t, { authority: authorityOf(ACCESS, USERS) })
  for (const repository of ['open/a', 'team/a', 'shared/a']) await putBlob(ask, repository, 'x', 'ada:secret')
  const seen = async (user: string) =>
    JSON.parse((await ask('GET /v2/_catalog', as(user))).body.toString()).repositories
  assert.deepEqual(await seen('ada'), ['open/a', 'shared/a', 'team/a'])
  assert.deepEqual(await seen('rita'), ['open/a', 'shared/a', 'team/a'])
  assert.deepEqual(await seen('stranger'), ['open/a', 'shared/a'])
  assert.equal((await ask('GET /v2/_catalog')).status, 401)
  assert.equal((await ask('GET /metrics', as('rita'))).status, 401)
  assert.match((await ask('GET /metrics', as('ada'))).body.toString(), /^casemate_registry_requests_total\{/m)
})

test('a wrong password is refused everywhere, also where nobody needs one, and too many of them wait', async (t) => {
  const { ask } = await ownRegistry(t, { authority: authorityOf(ACCESS, USERS) })
  await putImage(ask, { repository: 'open/app', tag: '1', user: 'ada:secret' }, ['layer'])
  for (const user of ['ada:wrong', 'nobody:secret', 'ada:', ':secret']) {
    assert.equal((await ask('GET /v2/open/app/manifests/1', { user })).status, 401, user)
  }
  const statuses = new Set<number>()
  for (let count = 0; count < 25; count++) statuses.add((await ask('GET /v2/', { user: `ada:guess${count}` })).status)
  assert.deepEqual([...statuses], [401, 429])
  assert.equal((await ask('GET /v2/', as('ada'))).status, 200, 'a password that was right a moment ago still is')
})

test('a token allows what it was issued for, no more than its user may, and nothing once the user may not', async (t) => {
  const authority = authorityOf(ACCESS, USERS, { scheme: 'token' })
  const { ask, address } = await ownRegistry(t, { authority })
  await putImage(ask, { repository: 'team/app', tag: '1', user: 'ada:secret' }, ['layer'])
  const challenge = await ask('GET /v2/team/app/manifests/1')
  assert.equal(
    challenge.headers['www-authenticate'],
    `Bearer realm="http://${address}/token",service="casemate-registry",scope="repository:team/app:pull"`,
  )
  const tokenFor = async (scope: string, user: string) =>
    JSON.parse((await ask(`GET /token?service=casemate-registry&scope=${scope}`, { user })).body.toString()).token
  const headers = async (scope: string, user: string) => ({
    headers: { authorization: `Bearer ${await tokenFor(scope, user)}` },
  })
  const reader = await headers('repository:team/app:pull,push,delete', 'rita:secret')
  assert.equal((await ask('GET /v2/team/app/manifests/1', reader)).status, 200)
  assert.equal((await ask('POST /v2/team/app/blobs/uploads/', reader)).status, 401, 'more than she may was not granted')
  const narrow = await headers('repository:team/app:pull', 'ada:secret')
  assert.equal(
    (await ask('DELETE /v2/team/app/manifests/1', narrow)).status,
    401,
    'more than was asked for was not granted',
  )
  assert.equal((await ask('GET /v2/team/other/tags/list', narrow)).status, 401)
  const [head, payload, signature] = narrow.headers.authorization.slice('Bearer '.length).split('.')
  const widened = Buffer.from(Buffer.from(payload!, 'base64url').toString().replace('"pull"', '"delete"')).toString(
    'base64url',
  )
  const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')
  for (const forged of [
    `${head}.${widened}.${signature}`,
    `${none}.${payload}.`,
    `${none}.${payload}.${signature}`,
    'x',
    'a.b.c',
  ]) {
    const answer = await ask('GET /v2/team/app/manifests/1', { headers: { authorization: `Bearer ${forged}` } })
    assert.equal(answer.status, 401)
  }
  authority.renew({
    rules: parseAccess(ACCESS.replace('user:rita', 'user:gone'), 'access.yaml'),
    users: new Map([['rita', '']]),
  })
  assert.equal(
    (await ask('GET /v2/team/app/manifests/1', reader)).status,
    401,
    'a right that was taken away is gone at once',
  )
})

test('our own client pushes and pulls with a token, and without a password what everybody may read', async (t) => {
  const { address } = await ownRegistry(t, { authority: authorityOf(ACCESS, USERS, { scheme: 'token' }) })
  const image = sampleImage(testFolder(t))
  const wanda = { kind: 'password', username: 'wanda', password: 'secret' } as const
  const reference = (name: string) => parseReference(`${address}/${name}`) as RegistryReference
  await pushImage(image, reference('team/app:1'), { credentials: wanda })
  await pushImage(image, reference('open/app:1'), { credentials: { ...wanda, username: 'ada' } })
  const opened = await openImage(reference('open/app:1'), { credentials: null })
  assert.equal(opened.top.descriptor.digest, image.top.descriptor.digest)
  await opened.close()
  await assert.rejects(openImage(reference('team/app:1'), { credentials: null }), { code: 'REGISTRY_REFUSED' })
})
