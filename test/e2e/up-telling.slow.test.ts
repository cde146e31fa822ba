import assert from 'node:assert/strict'
import { once } from 'node:events'
import { cpSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type DebSpec, databaseFolder } from '#testkit'
import { hearing, PATIENCE, Up } from './up-process.ts'
import { openWorkplace } from './workplace.ts'

const greet = (version: string): DebSpec => ({
  name: 'greet',
  version,
  files: { '/usr/share/greet': `${version}\n`, '/etc/os-release': 'ID=debian\nVERSION_CODENAME=trixie\n' },
})
const leaky: DebSpec = { name: 'leaky', version: '1.0', files: { '/usr/share/leaky': 'drip\n' } }
const definition = (packages: string, environment: string) => `image: greeting
archive: test-1
packages: ${packages}
platforms: [linux/amd64]
environment: ${environment}
entrypoint: [/usr/share/greet]
tags: ["1"]
`
const ADVISORIES = {
  greet: {
    'CVE-2026-1000': { releases: { trixie: { status: 'resolved', fixed_version: '1.2.0-2', urgency: 'high' } } },
  },
  leaky: { 'CVE-2026-2000': { releases: { trixie: { status: 'open', urgency: 'medium' } } } },
}
const POLICIES = `policies:
  - { name: signed, expression: "evidence.refusals + evidence.refused", reason: Who made it is not shown., remedy: Sign it. }
`

/** What stands in for a Kubernetes API: it lists pods with these images to who has the token. */
async function cluster(t: TestContext, token: string) {
  const running: string[] = []
  const server = http.createServer(({ method, url, headers }, response) => {
    const isAllowed = headers.authorization === `Bearer ${token}` && method === 'GET' && url?.startsWith('/api/v1/pods')
    const items = running.map((imageID, index) => ({
      metadata: { namespace: 'shop', name: `web-${index}` },
      status: { containerStatuses: [{ name: 'app', imageID, state: { running: {} } }] },
    }))
    response.writeHead(isAllowed ? 200 : 403, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, running }
}

/** Asks until what is answered is what is waited for. */
async function until<Value>(ask: () => Promise<Value | undefined>, what: string): Promise<Value> {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await sleep(200)) {
    const found = await ask()
    if (found !== undefined) return found
  }
  throw new Error(`it never came to ${what}`)
}

interface Told {
  readonly changelog: {
    readonly findings?: Readonly<Record<'closed' | 'opened', readonly { readonly id: string }[]>>
    readonly contract?: readonly { readonly promise: string; readonly breaks: boolean }[]
  }
}

function changelogIn(data: object): Told['changelog'] {
  return (data as Told).changelog
}

test('a release tells what it closes, opens and promises otherwise, and a fix runs when nothing older does', async (t) => {
  const place = await openWorkplace(t, {
    debs: [greet('1.2.0-1'), leaky],
    label: 'Debian-Security',
    archiveLines: ['release: { id: debian, version: "13", codename: trixie }'],
  })
  place.write('export.json', JSON.stringify(ADVISORIES))
  const imported = await place.run(['advisories', 'import', 'export.json'])
  assert.equal(imported.status, 0, imported.stderr)
  place.write('images/greeting/casemate.yaml', definition('[greet]', '{ WORD: hello, TONE: low }'))
  // Archives of one's own are described beside the definitions.
  cpSync(join(place.folder, 'archives'), join(place.folder, 'images/greeting/archives'), { recursive: true })
  place.write('policies.yaml', POLICIES)
  place.write('token', 'a-token\n')
  const { url, running } = await cluster(t, 'a-token')
  const heard = await hearing(t)
  place.write(
    'factory.yaml',
    `images: []
definitions: ./images
archives: { poll: 1s }
inventory: { poll: 1s, clusters: [{ url: "${url}", token: token }] }
notify: [{ webhook: "${heard.url}", allow-internal: 127.0.0.1, kinds: [release] }]
`,
  )
  const up = new Up(place, databaseFolder(t), '127.0.0.1:0', ['--policy', 'policies.yaml'])
  t.after(() => up.end('SIGKILL'))
  const [, address = ''] = await up.printed(/status +http:\/\/(127\.0\.0\.1:\d+)\//)
  const [, token = ''] = await up.printed(/token +(\S+)/)
  await up.printed(/greeting +done +released as/)
  const digest = async () => {
    const accept = 'application/vnd.oci.image.index.v1+json'
    const answer = await fetch(`http://${address}/v2/greeting/manifests/1`, { method: 'HEAD', headers: { accept } })
    return answer.headers.get('docker-content-digest') ?? ''
  }
  const first = await digest()
  running.push(`${address}/greeting@${first}`, 'docker.io/library/other@sha256:'.padEnd(95, '0'))

  // A changed definition is seen at once, by whatever comes first.
  place.write('images/greeting/casemate.yaml', definition('[greet, leaky]', '{ WORD: hello }'))
  await up.printed(/greeting +done +released as[\s\S]*greeting +done +released as/)
  await place.archive.publish(greet('1.2.0-2'))
  await up.printed(/(greeting +done +released as[\s\S]*){3}/)
  const messages = await until(async () => (heard.bodies.length < 3 ? undefined : heard.bodies), 'three messages')
  const [, changed, fixed] = messages.map(({ data }) => changelogIn(data))
  assert.deepEqual(
    changed?.findings?.opened.map(({ id }) => id),
    ['CVE-2026-2000'],
  )
  assert.deepEqual(changed?.findings?.closed, [])
  assert.deepEqual(
    changed?.contract?.map(({ promise, breaks }) => [promise, breaks]),
    [['environment TONE', true]],
  )
  assert.deepEqual(
    fixed?.findings?.closed.map(({ id }) => id),
    ['CVE-2026-1000'],
  )
  assert.deepEqual([fixed?.findings?.opened, fixed?.contract], [[], []])

  const marks = async (): Promise<Readonly<Record<string, string>>> => {
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(`http://${address}/api/v1/images/greeting/findings?all=true`, { headers })
    const { items } = (await answer.json()) as { items: { finding: string; marks: Record<string, string> }[] }
    return items.find(({ finding }) => finding === 'CVE-2026-1000 greet')?.marks ?? {}
  }
  // A rollout: for a while the old one runs beside the new one.
  running.push(`${address}/greeting@${await digest()}`)
  await sleep(4000)
  const during = await marks()
  assert.ok(during['published'] !== undefined && during['running'] === undefined, JSON.stringify(during))
  running.splice(0, 1)
  await until(async () => (await marks())['running'], 'running')
  assert.equal(await up.end('SIGTERM'), 0, up.output)
})
