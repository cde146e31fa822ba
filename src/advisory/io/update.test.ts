import assert from 'node:assert/strict'
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { openStore, type PartSource, readPublishers, updateParts, withPlaces } from '#advisory'
import { type Fault, testMirror } from '#testkit'

const testdata = join(import.meta.dirname, '..', 'testdata')
const patience = { attempts: 2, backOff: 1, deadline: 800 }

async function publisher(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-update-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const served = join(folder, 'served')
  const cache = join(folder, 'cache')
  mkdirSync(served)
  for (const name of ['export.json', 'kev.json', 'DSA-list', 'epss.csv']) {
    copyFileSync(join(testdata, name), join(served, name))
  }
  const mirror = await testMirror(t, served)
  const source = (kind: PartSource['kind'], name: string): PartSource => ({
    kind,
    files: [{ name, place: `${mirror.url}/${name}` }],
  })
  const update = (...sources: readonly PartSource[]) => updateParts(cache, sources, { patience })
  const leftovers = () =>
    readdirSync(join(cache, 'advisories', 'fetched')).filter((name) => !/\.(body|json)$/.test(name))
  return { served, cache, mirror, source, update, leftovers }
}

test('what has not changed is confirmed and not read again; what has changed replaces its part', async (t) => {
  const { served, cache, mirror, source, update, leftovers } = await publisher(t)
  const sources = [source('tracker', 'export.json'), source('kev', 'kev.json')]
  const first = await update(...sources)
  assert.deepEqual(
    first.map(({ kind, outcome }) => `${kind} ${outcome}`),
    ['tracker updated', 'kev updated'],
  )
  const again = await update(...sources)
  assert.deepEqual(
    again.map(({ outcome }) => outcome),
    ['unchanged', 'unchanged'],
  )
  assert.match(String(mirror.requests.at(-1)?.headers['if-none-match']), /^"sha256:/)
  const [before, after] = [first[0]?.state, again[0]?.state]
  assert.equal(before?.origin, `${mirror.url}/export.json`)
  assert.equal(after?.importedAt, before?.importedAt)
  const confirmed = (state: typeof before) => state?.fetched?.[0]?.fetchedAt ?? ''
  assert.ok(confirmed(after) > confirmed(before), 'the store says when the publisher confirmed it')
  assert.equal(openStore(cache)?.debianStatements('glibc').length, 3)

  writeFileSync(
    join(served, 'export.json'),
    '{"nginx":{"CVE-2026-1000":{"releases":{"sid":{"status":"open","urgency":"low"}}}}}',
  )
  const [changed, kev] = await update(...sources)
  assert.deepEqual([changed?.outcome, changed?.state?.records, kev?.outcome], ['updated', 1, 'unchanged'])
  assert.equal(openStore(cache)?.debianStatements('glibc').length, 0)
  assert.deepEqual(leftovers(), [])
})

const faults: [what: string, fault: Fault, reason: RegExp][] = [
  ['a server without the file', { kind: 'status', status: 404 }, /HTTP status 404/],
  ['an overloaded server', { kind: 'status', status: 503 }, /HTTP status 503/],
  ['a body that is cut short', { kind: 'truncate', after: 100 }, /cannot fetch/],
  ['a body shorter than announced', { kind: 'length', length: 100_000 }, /cannot fetch/],
  ['an endless body', { kind: 'endless' }, /over 167772160 bytes|it took over 0.8 s/],
  ['a body of something else', { kind: 'body', body: 'Sign in to continue' }, /it is no tracker data/],
  ['a body of another kind', { kind: 'body', body: readFileSync(join(testdata, 'kev.json')) }, /got kev data/],
  ['an empty body', { kind: 'body', body: '' }, /it is empty/],
  ['a server that never answers', { kind: 'silent' }, /it took over 0.8 s/],
  ['a body that trickles', { kind: 'slow', piece: 1, pause: 100 }, /it took over 0.8 s/],
  ['a redirect to a file', { kind: 'redirect', location: 'file:///etc/passwd' }, /redirects to file:/],
  ['gzip that is cut short', { kind: 'body', body: gzipSync('{"glibc":{}}').subarray(0, -9) }, /no whole gzip/],
]
for (const [what, fault, reason] of faults) {
  test(`${what} fails its own part, keeps the old one with its age, and no other from being taken`, async (t) => {
    const { served, cache, mirror, source, update, leftovers } = await publisher(t)
    await update(source('tracker', 'export.json'))
    appendFileSync(join(served, 'export.json'), '\n')
    mirror.fault = ({ path }) => (path === '/export.json' ? fault : undefined)
    const [tracker, kev] = await update(source('tracker', 'export.json'), source('kev', 'kev.json'))
    assert.ok(tracker?.outcome === 'failed')
    assert.match(tracker.error.message, reason)
    assert.ok(['ADVISORY_FETCH_FAILED', 'ADVISORIES_INVALID'].includes(tracker.error.code), tracker.error.code)
    assert.equal(tracker.state?.records, 7)
    assert.equal(kev?.outcome, 'updated')
    const store = openStore(cache)
    assert.deepEqual([store?.debianStatements('glibc').length, store?.parts.length], [3, 2])
    store?.close()
    assert.deepEqual(leftovers(), [])
    mirror.fault = () => undefined
    const [healed] = await update(source('tracker', 'export.json'))
    assert.notEqual(healed?.outcome, 'failed')
  })
}

test('a fault that passes is tried again, one that does not is not', async (t) => {
  const { mirror, source, update } = await publisher(t)
  mirror.fault = (_, count) => (count === 0 ? { kind: 'status', status: 503 } : undefined)
  assert.equal((await update(source('kev', 'kev.json')))[0]?.outcome, 'updated')
  const asked = mirror.requests.length
  mirror.fault = () => ({ kind: 'status', status: 403 })
  assert.equal((await update(source('epss', 'epss.csv')))[0]?.outcome, 'failed')
  assert.equal(mirror.requests.length, asked + 1)
})

/** A server on loopback that answers as it is told. */
async function answering(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return `http://127.0.0.1:${address.port}`
}

test('a web page is refused by its type, a huge announcement before its body, and gzip on the way is undone', async (t) => {
  const { update } = await publisher(t)
  const bytes = readFileSync(join(testdata, 'kev.json'))
  const url = await answering(t, (request, response) => {
    if (request.url === '/page') response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(bytes)
    else if (request.url === '/huge') response.writeHead(200, { 'content-length': 2 ** 34 }).write('{')
    else response.writeHead(200, { 'content-encoding': 'gzip', 'last-modified': MODIFIED }).end(gzipSync(bytes))
  })
  const at = (path: string): PartSource => ({ kind: 'kev', files: [{ name: 'kev.json', place: `${url}${path}` }] })
  const [page] = await update(at('/page'))
  const [huge] = await update(at('/huge'))
  assert.match(page?.outcome === 'failed' ? page.error.message : '', /it is a web page, want data/)
  assert.match(huge?.outcome === 'failed' ? huge.error.message : '', /it is over 167772160 bytes long/)
  const [packed] = await update(at('/packed'))
  assert.deepEqual([packed?.outcome, packed?.state?.fetched?.[0]?.lastModified], ['updated', MODIFIED])
})

const MODIFIED = 'Fri, 20 Nov 2026 10:00:00 GMT'

test('a redirect from a public publisher to a private address is refused', async (t) => {
  const { update } = await publisher(t)
  const inner = await testMirror(t, testdata)
  // A proxy on loopback stands in for the public internet.
  const proxy = await answering(t, (_, response) =>
    response.writeHead(302, { location: `${inner.url}/kev.json` }).end(),
  )
  const before = { ...process.env }
  Object.assign(process.env, { http_proxy: proxy, no_proxy: '127.0.0.1' })
  t.after(() => {
    process.env['http_proxy'] = before['http_proxy'] ?? ''
    process.env['no_proxy'] = before['no_proxy'] ?? ''
  })
  const [kev] = await update({ kind: 'kev', files: [{ name: 'kev.json', place: 'http://1.1.1.1/kev.json' }] })
  assert.match(kev?.outcome === 'failed' ? kev.error.message : '', /private address/)
  assert.equal(inner.requests.length, 0)
})

test('the shipped listing has every kind, over https, and places of one’s own replace those of their kind', async () => {
  const sources = await readPublishers()
  assert.deepEqual(sources.map(({ kind }) => kind).sort(), ['dla', 'dsa', 'epss', 'kev', 'osv', 'support', 'tracker'])
  for (const { place } of sources.flatMap(({ files }) => files)) assert.match(place, /^https:\/\//)
  const own = withPlaces(sources, ['tracker=./t.json', 'osv=https://m.example/a.zip,b.zip'], '--source')
  assert.deepEqual(own.find(({ kind }) => kind === 'tracker')?.files, [{ name: 't.json', place: './t.json' }])
  assert.deepEqual(
    own.find(({ kind }) => kind === 'osv')?.files.map(({ name }) => name),
    ['a.zip', 'b.zip'],
  )
  assert.equal(own.find(({ kind }) => kind === 'kev')?.files, sources.find(({ kind }) => kind === 'kev')?.files)
  for (const wrong of ['tracker', 'apt=https://m.example/', 'kev=ftp://m.example/k', 'kev=https://u:p@m.example/k']) {
    assert.throws(() => withPlaces(sources, [wrong], '--source'), { code: 'ADVISORY_SOURCE_INVALID' }, wrong)
  }
})
