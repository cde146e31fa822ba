import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { parseLock } from '#image'
import type { DebSpec } from '#testkit'
import { openWorkplace, type Workplace } from './workplace.ts'

/** Stands in for an interpreter: what it makes of a source is the source and the path that it is told. */
const COMPILER = `#!/usr/bin/busybox sh
bb=/usr/bin/busybox
for word; do inputs=$output; output=$word; done
while read -r path; do
  folder=$output\${path%/*}/__pycache__ name=\${path##*/}
  $bb mkdir -p "$folder"
  { echo "compiled $path"; $bb cat "$inputs$path"; EXTRA; } > "$folder/\${name%.py}.cpython-399.pyc" || exit 4
done
`
const HOST = process.arch === 'x64' ? 'amd64' : process.arch
const OTHER = HOST === 'amd64' ? 'arm64' : 'amd64'
const BYTECODE = '/usr/lib/python3.99/__pycache__/json.cpython-399.pyc'

const DEFINITION = `image: greeting
description: Derives byte code
archive: test-1
packages: [python3.99]
platforms: [linux/${HOST}]
derived: [python-bytecode]
`

/** Of another architecture than ours nothing runs: its busybox is none. */
function interpreter(architecture: string, extra = ':'): DebSpec {
  return {
    name: 'python3.99',
    architecture,
    files: {
      '/usr/bin/busybox': { content: architecture === HOST ? readFileSync('/bin/busybox') : 'not for us', mode: 0o755 },
      '/usr/bin/python3.99': { content: COMPILER.replace('EXTRA', extra), mode: 0o755 },
      '/usr/lib/python3.99/json.py': `of ${architecture}`,
      '/usr/lib/python3/dist-packages/tool.py': 'tool',
      '/usr/lib/python3.99/linked.py': { link: '/usr/lib/python3/dist-packages/tool.py' },
    },
  }
}

async function openDerived(t: TestContext, extra?: string): Promise<Workplace> {
  const place = await openWorkplace(t, {
    debs: [interpreter(HOST, extra), interpreter(OTHER, extra)],
    architectures: [HOST, OTHER],
    archiveLines: ['release: { id: debian, version: "13", codename: trixie }', 'merged-usr: made'],
  })
  place.write('casemate.yaml', DEFINITION)
  return place
}

const noSandbox = { env: { PATH: '/nonexistent' } }
const forget = (place: Workplace) => place.remove('cache/casemate/derived')
const derivedOf = (place: Workplace, platform = `linux/${HOST}`) =>
  parseLock(place.read('casemate.lock'), 'casemate.lock').platforms[platform]?.derived

test('a derived effect is a layer of its own below the last one, whose diffID the lock holds', async (t) => {
  const place = await openDerived(t)
  const unlocked = await place.build()
  assert.equal((await place.run(['lock', '.'])).status, 0)
  const [result] = derivedOf(place) ?? []
  assert.deepEqual([result?.effect, result?.variant], ['python-bytecode', 'runtime'])
  const layers = unlocked.platforms[0]?.layers ?? []
  assert.equal(layers.at(-2)?.diffId, result?.digest)
  forget(place)
  assert.equal(await place.digest(), unlocked.digest, 'made anew, from the lock')
  const explained = await place.run(['explain', '.', BYTECODE])
  assert.match(explained.stdout, /effect python-bytecode/, explained.stderr)
  assert.equal((await place.run(['lock', '.', '--check'])).status, 0)
})

test('who has no sandbox takes the result from the cache by its digest, or is told what is missing', async (t) => {
  const place = await openDerived(t)
  await place.run(['lock', '.'])
  const digest = await place.digest()
  assert.equal(await place.digest([], noSandbox), digest)
  forget(place)
  const run = await place.run(['build', '.'], noSandbox)
  assert.equal(run.status, 3)
  const wanted = derivedOf(place)?.[0]?.digest ?? ''
  assert.match(run.stderr, /install bubblewrap or .*util-linux .*\[DERIVED_UNAVAILABLE\]/)
  assert.ok(run.stderr.includes(`have ${wanted} in the cache`), run.stderr)
  place.remove('casemate.lock')
  assert.match((await place.run(['build', '.'], noSandbox)).stderr, /build from a lock .*\[DERIVED_UNAVAILABLE\]/)
})

test('another architecture is derived by the same version of the program for this one, from its own sources', async (t) => {
  const place = await openDerived(t)
  place.write('casemate.yaml', DEFINITION.replace(`[linux/${HOST}]`, `[linux/${HOST}, linux/${OTHER}]`))
  const alone = await place.build(['--platform', `linux/${OTHER}`])
  assert.equal((await place.run(['lock', '.'])).status, 0)
  const [own, other] = [derivedOf(place), derivedOf(place, `linux/${OTHER}`)]
  assert.notEqual(own?.[0]?.digest, other?.[0]?.digest)
  assert.equal(alone.platforms[0]?.layers.at(-2)?.diffId, other?.[0]?.digest)
})

test('two runs that differ are refused, and the files named', async (t) => {
  const place = await openDerived(t, '$bb cat /proc/sys/kernel/random/uuid')
  const run = await place.run(['build', '.'])
  assert.equal(run.status, 3)
  assert.match(run.stderr, /two runs gave different results: .*json\.cpython-399\.pyc.*\[DERIVED_UNSTABLE\]/)
})

test('a program that fails ends the build with what it said', async (t) => {
  const place = await openDerived(t, 'echo no more >&2; false')
  const run = await place.run(['build', '.'])
  assert.match(run.stderr, /\/usr\/bin\/python3\.99 ended with exit code 4: .*no more.*\[DERIVED_FAILED\]/s)
})

test('a locked build gives the result of the lock or none', async (t) => {
  const place = await openDerived(t)
  await place.run(['lock', '.'])
  const text = place.read('casemate.lock')
  const digest = derivedOf(place)?.[0]?.digest ?? ''
  place.write('casemate.lock', text.replace(digest, `sha256:${'0'.repeat(64)}`))
  assert.match((await place.run(['build', '.'])).stderr, /the lock says sha256:0{64}.*\[DERIVED_MISMATCH\]/)
  place.write('casemate.lock', text.replace(/"derived": \[[^\]]*\]/, '"derived": []'))
  const run = await place.run(['build', '.'])
  assert.equal(run.status, 2)
  assert.match(run.stderr, /the result of python-bytecode of runtime for linux\/\w+ is not in it; run "casemate lock"/)
})

test('a damaged result in the cache is made anew', async (t) => {
  const place = await openDerived(t)
  const digest = await place.digest()
  for (const file of place.files('cache/casemate/derived')) {
    if (file.endsWith('.tar')) place.write(`cache/casemate/derived/${file}`, 'damaged')
  }
  assert.equal(await place.digest(), digest)
})

test('a definition that derives what its packages cannot is refused', async (t) => {
  const place = await openWorkplace(t)
  place.write('casemate.yaml', `${place.read('casemate.yaml')}derived: [python-bytecode]\n`)
  const run = await place.run(['build', '.'])
  assert.match(run.stderr, /the image has no \/usr\/bin\/python3\.N.*\[EFFECT_INVALID\]/)
})
