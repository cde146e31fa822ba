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
  return { place, run, base, digest }
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
  const { place, run, base, digest } = await openBases(t)
  const gate = async (labels: Readonly<Record<string, string>>) => {
    await writeTarLayout(join(place.folder, 'app'), [new Uint8Array(1024)], { User: '65532', Labels: labels })
    place.write('base.yaml', 'policies:\n  - { name: base, expression: base.refusals, reason: why, remedy: how }\n')
    const options = ['--platform', 'linux/amd64', '--policy', 'base.yaml', '--allow', 'signed.yaml', '--json']
    const { status, stdout, stderr } = await run('gate', 'oci:./app:image', ...options)
    assert.notEqual(stdout, '', stderr)
    return { status, text: JSON.stringify(JSON.parse(stdout).gates[0]) }
  }
  const stated = { [NAME]: base, [DIGEST]: digest }
  const unsigned = await gate(stated)
  assert.equal(unsigned.status, 1)
  assert.match(unsigned.text, /nothing is attached to sha256:/)
  assert.equal((await run('sign', base, '--key', 'casemate.key')).status, 0)
  assert.equal((await gate(stated)).status, 0)
  assert.match((await gate({ [NAME]: base })).text, /has to be signed, and nothing says its digest/)
  const gone = await gate({ [NAME]: base, [DIGEST]: `sha256:${'0'.repeat(64)}` })
  assert.deepEqual([gone.status, /FACT_UNKNOWN/.test(gone.text)], [3, true])
})
