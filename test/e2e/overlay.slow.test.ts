import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { RegistryServer } from '#oci/registry'
import { requestsFor } from '#testkit'
import { openWorkplace, type Summary, type Workplace } from './workplace.ts'

/** An overlay on the workplace's definition, in a folder of its own. */
const OVERLAY = `image: shouting
from: ../
packages: [shout]
paths:
  - { path: /etc/shout.conf, content: "loud\\n" }
owner: team-a
`

async function buildOverlay(place: Workplace, ...args: readonly string[]): Promise<Summary> {
  const run = await place.run(['build', './over', '--json', '-o', 'oci:out:shouting', ...args])
  assert.equal(run.status, 0, run.stderr + run.stdout)
  return JSON.parse(run.stdout)
}

const layersOf = (summary: Summary) => (summary.platforms[0]?.layers ?? []).map(({ digest }) => digest)

test('an overlay that adds a package and a file has every layer of its base, and two above', async (t) => {
  const place = await openWorkplace(t)
  const base = layersOf(await place.build())
  place.write('over/casemate.yaml', OVERLAY)
  const over = await buildOverlay(place)
  assert.deepEqual(layersOf(over).slice(0, base.length), base)
  assert.equal(layersOf(over).length, base.length + 2)
  assert.equal((await place.run(['lock', './over'])).status, 0)
  place.archive.mirror.requests.length = 0
  place.remove('cache')
  assert.equal((await buildOverlay(place)).digest, over.digest)
  assert.equal(requestsFor(place.archive.mirror, '/dists/'), 0, 'a locked build of an overlay reads no index')

  const sbom = await place.run(['sbom', 'oci:out:shouting', '--format', 'text'])
  assert.equal(sbom.status, 0, sbom.stderr)
  assert.doesNotMatch(sbom.stdout, /explain/i, 'every file belongs to a package, an effect or a definition')
})

test('an overlay that was published is kept and built again from its own evidence, without mirror or definitions', async (t) => {
  const place = await openWorkplace(t)
  const folder = mkdtempSync(join(tmpdir(), 'casemate-reg-'))
  const server = await RegistryServer.start(folder, {
    host: '127.0.0.1',
    port: 0,
    onError() {},
  })
  t.after(async () => {
    await server.close(100)
    rmSync(folder, { recursive: true, force: true })
  })
  const env = { COSIGN_PASSWORD: 'secret' }
  assert.equal((await place.run(['keygen', 'casemate'], { env })).status, 0)
  place.write(
    'over/casemate.yaml',
    `${OVERLAY}remove: { greet-common: not needed }\nwithout: { greet-common: not needed }\n`,
  )
  const reference = `${server.address}/team/shouting:1`
  const built = await place.run(['build', './over', '-o', `docker://${reference}`, '--key', 'casemate.key'], { env })
  assert.equal(built.status, 0, built.stdout + built.stderr)
  const kept = await place.run(['store', 'keep', reference, '--key', 'casemate.pub', '--json'])
  assert.equal(kept.status, 0, kept.stdout + kept.stderr)
  const whats = JSON.parse(kept.stdout).objects.map(({ what }: { what: string }) => what)
  assert.ok(
    whats.some((what: string) => what.includes('/greet-common_')),
    'what the overlay removes, its base has',
  )
  for (const gone of ['cache', 'casemate.yaml', 'over', 'archives', 'out']) place.remove(gone)
  const again = await place.run(['reproduce', reference, '--key', 'casemate.pub', '--store', 'store', '--offline'])
  assert.equal(again.status, 0, again.stdout + again.stderr)
})

test('an overlay on an image in a registry is made from the recipe that somebody trusted has signed, kept beside it', async (t) => {
  const place = await openWorkplace(t)
  const folder = mkdtempSync(join(tmpdir(), 'casemate-reg-'))
  const server = await RegistryServer.start(folder, { host: '127.0.0.1', port: 0, onError() {} })
  t.after(async () => {
    await server.close(100)
    rmSync(folder, { recursive: true, force: true })
  })
  const env = { COSIGN_PASSWORD: 'secret' }
  for (const name of ['casemate', 'other']) assert.equal((await place.run(['keygen', name], { env })).status, 0)
  const reference = `${server.address}/team/greeting:1`
  const base = await place.build(['-o', `docker://${reference}`, '--key', 'casemate.key'], { env })
  for (const gone of ['casemate.yaml', 'archives', 'out']) place.remove(gone)
  place.write('over/casemate.yaml', OVERLAY.replace('../', reference))

  const missing = await place.run(['build', './over'])
  assert.equal(missing.status, 2)
  assert.match(
    missing.stderr,
    /over\/casemate\.yaml:2:7\): its recipe is not kept in .*casemate\.base; `casemate lock .*\[DEFINITION_NOT_FOUND\]/,
  )
  const unsaid = await place.run(['lock', './over'])
  assert.match(unsaid.stderr, /say whose recipe of it to believe by --base-key.*\[USAGE_INVALID\]/)
  const foreign = await place.run(['lock', './over', '--base-key', 'other.pub'])
  assert.deepEqual([foreign.status, place.files('over')], [2, ['casemate.yaml']], foreign.stderr)

  const lock = await place.run(['lock', './over', '--base-key', 'casemate.pub'])
  assert.equal(lock.status, 0, lock.stdout + lock.stderr)
  const to = `docker://${server.address}/team/shouting:1`
  const built = await place.run(['build', './over', '--json', '-o', to, '--key', 'casemate.key'], { env })
  assert.equal(built.status, 0, built.stdout + built.stderr)
  const over: Summary = JSON.parse(built.stdout)
  assert.deepEqual(layersOf(over).slice(0, layersOf(base).length), layersOf(base))
  assert.equal((await place.run(['lock', './over', '--check'])).status, 0)

  for (const gone of ['cache', 'over']) place.remove(gone)
  const again = await place.run(['reproduce', to.slice('docker://'.length), '--key', 'casemate.pub'])
  assert.equal(again.status, 0, again.stdout + again.stderr)
})
