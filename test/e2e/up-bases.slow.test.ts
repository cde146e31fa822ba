import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { RegistryServer } from '#oci/registry'
import { databaseFolder } from '#testkit'
import { Up } from './up-process.ts'
import { openWorkplace } from './workplace.ts'

const base = (word: string) => `image: greeting
archive: test-1
packages: [greet]
platforms: [linux/amd64]
paths: [{ path: /etc/motd, content: "${word}\\n" }]
entrypoint: [/usr/bin/greet]
tags: ["1"]
`
const POLICIES = `policies:
  - { name: signed, expression: "evidence.refusals + evidence.refused", reason: Who made it is not shown., remedy: Sign it. }
`

interface Manifest {
  readonly annotations?: Readonly<Record<string, string>>
  readonly layers: readonly { readonly digest: string }[]
  readonly manifests: readonly { readonly digest: string }[]
}

/** The layers of the only platform of an image. */
async function layersOf(address: string, image: string, tag: string): Promise<readonly string[]> {
  const headers = { accept: 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json' }
  const read = async (reference: string) =>
    (await (await fetch(`http://${address}/v2/${image}/manifests/${reference}`, { headers })).json()) as Manifest
  const { manifests } = await read(tag)
  return (await read(manifests[0]?.digest ?? '')).layers.map(({ digest }) => digest)
}

test('a base in another registry moves: what stacks on it is made on what it is now, and what is kept beside stays', async (t) => {
  const place = await openWorkplace(t)
  const folder = mkdtempSync(join(tmpdir(), 'casemate-reg-'))
  const vendor = await RegistryServer.start(folder, { host: '127.0.0.1', port: 0, onError() {} })
  t.after(async () => {
    await vendor.close(100)
    rmSync(folder, { recursive: true, force: true })
  })
  const env = { COSIGN_PASSWORD: 'secret' }
  assert.equal((await place.run(['keygen', 'vendor'], { env })).status, 0)
  const reference = `${vendor.address}/team/greeting:1`
  const release = (word: string) => {
    place.write('casemate.yaml', base(word))
    return place.build(['-o', `docker://${reference}`, '--key', 'vendor.key'], { env })
  }
  await release('hello')
  place.write(
    'over/casemate.yaml',
    `image: shouting\nfrom: ${reference}\ntags: ["1"]\npaths: [{ path: /etc/shout, content: "HELLO\\n" }]\n`,
  )
  place.write(
    'child/casemate.yaml',
    'image: whispering\nfrom: ../over\ntags: ["1"]\npaths: [{ path: /etc/whisper, content: "hello\\n" }]\n',
  )
  place.write('policies.yaml', POLICIES)
  const locked = await place.run(['lock', './over', '--base-key', 'vendor.pub'])
  assert.equal(locked.status, 0, locked.stderr)
  const kept = readFileSync(join(place.folder, 'over/casemate.base/base.json'), 'utf8')
  place.write(
    'factory.yaml',
    `images: [./over, ./child]
bases: { poll: 1s, trust: [{ images: ["${vendor.address}/team/*"], keys: [vendor.pub] }] }
`,
  )
  const state = databaseFolder(t)
  const start = (listen: string) => new Up(place, state, listen, ['--policy', 'policies.yaml'])
  const up = start('127.0.0.1:0')
  t.after(() => up.end('SIGKILL'))
  const [, address = ''] = await up.printed(/status +http:\/\/(127\.0\.0\.1:\d+)\//)
  for (const image of ['shouting', 'whispering']) await up.printed(new RegExp(`${image} +done +released as`))
  const below = await layersOf(vendor.address, 'team/greeting', '1')
  const isOn = (layers: readonly string[], under: readonly string[]) => under.every((one, at) => layers[at] === one)
  assert.ok(isOn(await layersOf(address, 'shouting', '1'), below))

  await release('good morning')
  const moved = await layersOf(vendor.address, 'team/greeting', '1')
  assert.notDeepEqual(moved, below)
  for (const image of ['shouting', 'whispering']) {
    await up.printed(new RegExp(`${image} +done +released as[\\s\\S]*${image} +done +released as`))
    const layers = await layersOf(address, image, '1')
    assert.ok(
      isOn(layers, moved),
      `${image} is on what its base is now:\n${layers.join('\n')}\nnot\n${moved.join('\n')}`,
    )
  }
  assert.equal(readFileSync(join(place.folder, 'over/casemate.base/base.json'), 'utf8'), kept)
  for (const image of ['shouting', 'whispering']) {
    const again = await place.run(['reproduce', `${address}/${image}:1`, '--key', join(state, 'keys/casemate.pub')])
    assert.equal(again.status, 0, again.stdout + again.stderr)
  }
  assert.equal(await up.end('SIGTERM'), 0, up.output)

  const idle = start(address)
  t.after(() => idle.end('SIGKILL'))
  await idle.printed(/status +http/)
  await sleep(3000)
  assert.doesNotMatch(idle.output, /done +released/)
  assert.equal(await idle.end('SIGTERM'), 0, idle.output)
})
