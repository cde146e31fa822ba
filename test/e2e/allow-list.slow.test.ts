import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openImage, parseReference } from '#oci'
import { RegistryServer } from '#oci/registry'
import { writeTarLayout } from '../../proof/parts/tar-layout.ts'
import { type CleansUp, openWorkplace } from './workplace.ts'

const PASSWORD = { COSIGN_PASSWORD: 'secret' }
const NAME = 'org.opencontainers.image.base.name'
const DIGEST = 'org.opencontainers.image.base.digest'

/** A registry with a base that a key has signed, and the digest of it. */
async function openBases(t: CleansUp) {
  const place = await openWorkplace(t)
  const folder = mkdtempSync(join(tmpdir(), 'casemate-reg-'))
  const server = await RegistryServer.start(folder, { host: '127.0.0.1', port: 0 })
  t.after(async () => {
    await server.close(100)
    rmSync(folder, { recursive: true, force: true })
  })
  const run = async (...args: readonly string[]) => place.run(args, { env: PASSWORD })
  assert.equal((await run('keygen')).status, 0)
  const base = `${server.address}/base/greeting:1`
  await place.build(['-o', `docker://${base}`])
  const opened = await openImage(parseReference(`docker://${base}`))
  await opened.close()
  const digest = opened.top.descriptor.digest
  const indented = place.read('casemate.pub').trim().replaceAll('\n', '\n        ')
  const entry = `  - image: "${server.address}/base/*"\n    reason: ours\n`
  place.write('signed.yaml', `bases:\n${entry}    signer:\n      key: |-\n        ${indented}\n`)
  place.write('allow.yaml', `bases:\n${entry}`)
  const config = { User: '65532' }
  /** Writes an image of the base's layers, if those are wanted, and one of its own. */
  const writeApp = async (labels: Readonly<Record<string, string>>, isOnBase: boolean) => {
    const tars = isOnBase ? await tarsOf(`docker://${base}`) : []
    const own = new Uint8Array(1024)
    await writeTarLayout(join(place.folder, 'app'), [...tars, own], { ...config, Labels: labels })
  }
  /** What the gate of bases says. */
  const gate = async (...more: readonly string[]) => {
    place.write('base.yaml', 'policies:\n  - { name: base, expression: base.refusals, reason: why, remedy: how }\n')
    const options = ['--platform', 'linux/amd64', '--policy', 'base.yaml', '--json', ...more]
    const { status, stdout, stderr } = await run('gate', 'oci:./app:image', ...options)
    assert.notEqual(stdout, '', stderr)
    return { status, text: JSON.stringify(JSON.parse(stdout).gates[0]) }
  }
  return { place, run, base, digest, writeApp, gate }
}

async function tarsOf(reference: string): Promise<readonly Uint8Array[]> {
  const image = await openImage(parseReference(reference))
  try {
    const tars: Uint8Array[] = []
    for (const layer of image.layers) tars.push(Buffer.concat(await Array.fromAsync(layer.openTar())))
    return tars
  } finally {
    await image.close()
  }
}

test('lint writes the digest that the registry says, and the file is right then', async (t) => {
  const { place, run, base, digest } = await openBases(t)
  place.write('Dockerfile', `FROM ${base}\nCOPY app /app\n`)
  assert.match((await run('lint', '--allow', 'allow.yaml')).stdout, /error {4}base-pinned/)
  const fixed = await run('lint', '--allow', 'allow.yaml', '--fix')
  assert.equal(fixed.status, 0, fixed.stdout + fixed.stderr)
  assert.equal(place.read('Dockerfile'), `FROM ${base}@${digest}\nCOPY app /app\n`)
  assert.match(fixed.stdout, /^Dockerfile:1: - FROM .*\nDockerfile:1: \+ FROM .*@sha256:/m)

  place.write('Dockerfile', `FROM ${base.replace(':1', ':2')}\n`)
  assert.equal((await run('lint', '--fix')).status, 1, 'a tag that is not there has no digest')
})

test('a base that an entry wants signed is verified where it lies', async (t) => {
  const { run, base, digest, writeApp, gate } = await openBases(t)
  const signed = async (labels: Readonly<Record<string, string>>) => {
    await writeApp(labels, true)
    return gate('--allow', 'signed.yaml')
  }
  const stated = { [NAME]: base, [DIGEST]: digest }
  const unsigned = await signed(stated)
  assert.equal(unsigned.status, 1)
  assert.match(unsigned.text, /nothing is attached to sha256:/)
  assert.equal((await run('sign', base, '--key', 'casemate.key')).status, 0)
  assert.equal((await signed(stated)).status, 0)
  assert.match((await signed({ [NAME]: base })).text, /has to be signed, and nothing says its digest/)
  const gone = await signed({ [NAME]: base, [DIGEST]: `sha256:${'0'.repeat(64)}` })
  assert.deepEqual([gone.status, /FACT_UNKNOWN/.test(gone.text)], [3, true])
})

test('an image that says an allowed base and has none of its layers is refused', async (t) => {
  const { base, digest, writeApp, gate } = await openBases(t)
  const allow = ['--allow', 'allow.yaml']
  await writeApp({ [NAME]: base, [DIGEST]: digest }, false)
  const squashed = await gate(...allow)
  assert.equal(squashed.status, 1)
  assert.match(squashed.text, /its layers are not those of .*somebody has squashed it/)

  await writeApp({}, true)
  assert.match((await gate(...allow)).text, /nothing says what it was built on/)
  assert.equal((await gate(...allow, '--base', `docker://${base}`)).status, 0, 'its layers say it')
  await writeApp({}, false)
  assert.equal((await gate(...allow, '--base', `docker://${base}`)).status, 1)
})

test('a copy of the base in a folder proves it by its digest, without a name nothing allows it', async (t) => {
  const { run, base, digest, writeApp, gate } = await openBases(t)
  assert.equal((await run('copy', `docker://${base}`, 'oci:./kept:base')).status, 0)
  const options = ['--allow', 'allow.yaml', '--base', 'oci:./kept:base']
  await writeApp({}, true)
  assert.match((await gate(...options)).text, /nothing says by which name the allow-list knows that/)
  await writeApp({ [NAME]: base, [DIGEST]: digest }, true)
  assert.equal((await gate(...options)).status, 0)
})

test('an SBOM and a scan say whose a package is where the image in a registry names its base there', async (t) => {
  const { run, base, digest, writeApp } = await openBases(t)
  const app = base.replace('/base/greeting:1', '/team/app:1')
  const owners = async () => {
    const { status, stdout, stderr } = await run('sbom', app, '--format', 'text', '--platform', 'linux/amd64')
    assert.equal(status, 0, stderr)
    return { stdout, stderr }
  }
  await writeApp({ [NAME]: base, [DIGEST]: digest }, true)
  assert.equal((await run('copy', 'oci:./app:image', `docker://${app}`)).status, 0)
  assert.match((await owners()).stdout, /of the base/)
  await writeApp({ [NAME]: 'registry.example.org/base/greeting:1', [DIGEST]: digest }, true)
  assert.equal((await run('copy', 'oci:./app:image', `docker://${app}`)).status, 0)
  const { stdout, stderr } = await owners()
  assert.doesNotMatch(stdout, /of the base/)
  assert.match(stderr, /nothing proves what .* is built on: .*a registry that you have not named/)
})
