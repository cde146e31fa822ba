import assert from 'node:assert/strict'
import type http from 'node:http'
import { type TestContext, test } from 'node:test'
import { digestOf } from '#core'
import { httpServer } from '#testkit'
import { describe } from '../descriptor.ts'
import { OciError } from '../errors.ts'
import { formatIndex } from '../index-document.ts'
import { MEDIA_TYPES } from '../media-types.ts'
import { RegistryClient } from './registry-client.ts'

const SUBJECT = digestOf('an image')

/** One page: what it says, its status, and the page that its link leads to. */
interface Page {
  readonly body: string | Uint8Array
  readonly status?: number
  readonly next?: number
}

/** A client of a registry whose every list is these pages. */
async function clientOfPages(t: TestContext, pageAt: (number: number) => Page): Promise<RegistryClient> {
  const registry = await httpServer(t, (request: http.IncomingMessage, reply: http.ServerResponse) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://registry.test')
    if (pathname === '/v2/') return void reply.end()
    const { body, status = 200, next } = pageAt(Number(searchParams.get('page') ?? 0))
    const link = next === undefined ? {} : { link: `<${pathname}?page=${next}>; rel="next"` }
    reply.writeHead(status, link).end(body)
  })
  const client = new RegistryClient({ registry, repository: 'team/app' }, { credentials: null, policy: { tries: 1 } })
  t.after(() => client.close())
  return client
}

const tagPage = (...tags: readonly string[]) => JSON.stringify({ name: 'team/app', tags })
const referrerPage = (...names: readonly string[]) =>
  formatIndex({
    mediaType: MEDIA_TYPES.index,
    manifests: names.map((name) => describe(MEDIA_TYPES.manifest, Buffer.from(name))),
  })

/** Both lists that a client reads, as sizes, and a page of each with one thing in it. */
const lists = {
  tags: { list: async (client: RegistryClient) => (await client.tags()).length, pageOf: tagPage },
  referrers: {
    list: async (client: RegistryClient) => (await client.referrers(SUBJECT)).length,
    pageOf: referrerPage,
  },
}

function refused(reason: RegExp, code = 'REGISTRY_FAILED') {
  return (error: unknown) => {
    assert.ok(error instanceof OciError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, reason)
    return true
  }
}

for (const [name, { list, pageOf }] of Object.entries(lists)) {
  test(`${name} are read over all pages`, async (t) => {
    const client = await clientOfPages(t, (page) => ({
      body: pageOf(`number-${page}`),
      ...(page < 7 ? { next: page + 1 } : {}),
    }))
    assert.equal(await list(client), 8)
  })

  test(`${name} of which a later page is gone are an error, not a shorter list`, async (t) => {
    const client = await clientOfPages(t, (page) =>
      page < 2 ? { body: pageOf(`number-${page}`), next: page + 1 } : { body: '{}', status: 404 },
    )
    await assert.rejects(list(client), refused(/status 404/))
  })

  test(`${name} on pages without end are given up`, async (t) => {
    let asked = 0
    const client = await clientOfPages(t, (page) => {
      asked++
      return { body: pageOf(), next: page + 1 }
    })
    await assert.rejects(list(client), refused(/the registry has more than 2000 pages/))
    assert.equal(asked, 2000)
  })
}

test('more referrers than anybody attaches are refused, however few are on a page', async (t) => {
  const client = await clientOfPages(t, (page) => {
    const names = Array.from({ length: 400 }, (_, number) => `${page}-${number}`)
    return { body: referrerPage(...names), next: page + 1 }
  })
  await assert.rejects(client.referrers(SUBJECT), refused(/more than 1000/, 'REFERRERS_TOO_MANY'))
})

test('more tags than we list are refused', async (t) => {
  const names = Array.from({ length: 60_000 }, (_, number) => `t${number}`)
  const body = tagPage(...names)
  const client = await clientOfPages(t, (page) => ({ body, next: page + 1 }))
  await assert.rejects(client.tags(), refused(/the registry has more than 1000000 of them/))
})
