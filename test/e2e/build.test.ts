import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { requestsFor } from '#testkit'
import { samplePackages } from './sample-packages.ts'
import { DEFINITION, openWorkplace, type Workplace } from './workplace.ts'

/** Every file of the cache, and for members and layers what tells whether it was written again. */
function cacheState(place: Workplace): Record<string, string> {
  const state = (path: string) => {
    if (!/^casemate\/(?:members|layers)\//.test(path)) return ''
    const { ino, mtimeMs, size } = statSync(join(place.folder, 'cache', path))
    return `${ino} ${mtimeMs} ${size}`
  }
  return Object.fromEntries(place.files('cache').map((path) => [path, state(path)]))
}

function skopeo(place: Workplace, ...args: readonly string[]): string {
  return execFileSync('skopeo', args, { cwd: place.folder, encoding: 'utf8' })
}

test('a build without lock, one with, and each done again give one digest and write nothing new', async (t) => {
  const place = await openWorkplace(t)
  const first = await place.build()
  assert.deepEqual(first.members, { reused: 0, made: 4 })
  assert.deepEqual(
    first.platforms[0]?.packages.map(({ name, version }) => `${name} ${version}`),
    ['greet 1.2-3', 'greet-common 1.2-3', 'greet-data 1.2-3', 'libgreet1 1.0-1'],
  )
  assert.deepEqual([first.tags, first.user.uid, first.lock], [['1.2'], 65532, undefined])

  const cached = cacheState(place)
  const written = place.files('out')
  place.archive.mirror.requests.length = 0
  const second = await place.build()
  assert.deepEqual([second.digest, second.members], [first.digest, { reused: 4, made: 0 }])
  assert.deepEqual(cacheState(place), cached)
  assert.deepEqual(place.files('out'), written)
  assert.equal(requestsFor(place.archive.mirror, '/pool/'), 0)

  assert.equal((await place.run(['lock', '.'])).status, 0)
  place.remove('cache')
  place.archive.mirror.requests.length = 0
  const locked = await place.build()
  assert.deepEqual([locked.digest, locked.lock], [first.digest, join(place.folder, 'casemate.lock')])
  assert.equal(requestsFor(place.archive.mirror, '/dists/'), 0, 'a locked build reads no index')
  assert.equal(requestsFor(place.archive.mirror, '/pool/'), 4)

  place.archive.mirror.requests.length = 0
  assert.equal(await place.digest(['--offline']), first.digest)
  assert.equal(place.archive.mirror.requests.length, 0)
})

test('skopeo reads every output form, for two platforms', async (t) => {
  const debs = [
    ...samplePackages('amd64'),
    ...samplePackages('arm64').filter(({ architecture }) => architecture !== 'all'),
  ]
  const place = await openWorkplace(t, { debs, architectures: ['amd64', 'arm64'] })
  place.write('casemate.yaml', DEFINITION.replace('[linux/amd64]', '[linux/amd64, linux/arm64]'))
  const outputs = ['oci:out:greeting', 'oci-archive:greeting.tar', 'docker-archive:docker.tar:localhost/greeting:1']
  const { digest, platforms } = await place.build(outputs.flatMap((output) => ['-o', output]))
  assert.deepEqual(
    platforms.map(({ platform }) => platform),
    ['linux/amd64', 'linux/arm64'],
  )
  for (const reference of outputs.slice(0, 2)) {
    const index = JSON.parse(skopeo(place, 'inspect', '--raw', reference))
    assert.deepEqual(
      index.manifests.map((manifest: { digest: string }) => manifest.digest),
      platforms.map((platform) => platform.digest),
    )
    assert.equal(JSON.parse(skopeo(place, 'inspect', reference)).Digest, digest)
    skopeo(place, 'copy', '--all', reference, 'oci:copy:greeting')
  }
  for (const { digest: layer } of platforms.flatMap(({ layers }) => layers)) {
    const blob = join(place.folder, 'out/blobs/sha256', layer.slice('sha256:'.length))
    const paths = execFileSync('tar', ['--list', '--gzip', '--file', blob], { encoding: 'utf8' }).trim().split('\n')
    const names = new Set(paths.map((path) => path.replace(/\/$/, '')))
    assert.equal(names.size, paths.length, `podman and buildah refuse a layer in which a path occurs twice: ${paths}`)
  }
  const config = JSON.parse(skopeo(place, 'inspect', '--config', outputs[2] ?? ''))
  assert.deepEqual([config.config.User, config.config.Entrypoint], ['65532:65532', ['/usr/bin/greet']])
  assert.deepEqual(
    config.rootfs.diff_ids,
    platforms[0]?.layers.map(({ diffId }) => diffId),
  )
})

test('zstd layers are another digest of the same tar', async (t) => {
  const place = await openWorkplace(t)
  const gzip = await place.build()
  const zstd = await place.build(['--zstd', '-o', 'oci:zstd:greeting'])
  const diffIds = (summary: typeof gzip) => summary.platforms[0]?.layers.map(({ diffId }) => diffId)
  assert.notEqual(zstd.digest, gzip.digest)
  assert.deepEqual(diffIds(zstd), diffIds(gzip))
  assert.equal(JSON.parse(skopeo(place, 'inspect', 'oci:zstd:greeting')).Digest, zstd.digest)
  skopeo(place, 'copy', 'oci:zstd:greeting', 'dir:zstd-copy')
})

test('the summary names what matters, and standard error stays empty', async (t) => {
  const place = await openWorkplace(t)
  const run = await place.run(['build', '.'])
  assert.deepEqual([run.status, run.stderr], [0, ''])
  for (const part of [
    /^greeting {2}Greets whoever runs it$/m,
    /^ +greet-data +1\.2-3 +[\d.]+ MB +needed$/m,
    /^ +greet +1\.2-3 +\d+ B +asked for$/m,
    /^linux\/amd64 +4 packages, 4 layers, /m,
    /^user +nonroot \(65532:65532\)$/m,
    /^packages +0 from the cache, 4 taken apart and compressed/m,
    /documentation 18 B, man-pages 18 B/,
    /^digest +sha256:[0-9a-f]{64}$/m,
    /^run +podman run --rm oci:\.\/out:greeting$/m,
  ]) {
    assert.match(run.stdout, part)
  }
})

const faults: [string, string, readonly string[], number, RegExp][] = [
  [
    'what cannot be solved is an answer of no, with its reasons',
    DEFINITION.replace('[greet]', '[greet, "shout>=99"]'),
    [],
    1,
    /^cannot solve greeting \(runtime, linux\/amd64\):\n.*shout/,
  ],
  [
    'a definition with a fault is wrong use, with file, line and column',
    DEFINITION.replace('packages:', 'pakages:'),
    [],
    2,
    /casemate\.yaml:4:1: .*packages.*\[DEFINITION_INVALID\]/s,
  ],
  [
    'offline with an empty cache, what is missing is named',
    DEFINITION,
    ['--offline'],
    3,
    /the cache lacks InRelease of trixie.*\[OFFLINE_MISSING\]/,
  ],
  ['an unknown variant is wrong use', DEFINITION, ['--variant', 'debug'], 2, /no variant "debug".*\[USAGE_INVALID\]/],
  ['an unknown option is wrong use', DEFINITION, ['--patform', 'x'], 2, /unknown option.*--platform/s],
  [
    'a malformed mirror is wrong use',
    DEFINITION,
    ['--mirror', 'ftp://x'],
    2,
    /--mirror "ftp:\/\/x".*\[MIRROR_UNKNOWN\]/,
  ],
]
test('every kind of fault has its exit status and says what and where', async (t) => {
  const place = await openWorkplace(t)
  for (const [name, definition, args, status, pattern] of faults) {
    await t.test(name, async () => {
      place.write('casemate.yaml', definition)
      place.remove('cache')
      const run = await place.run(['build', '.', ...args])
      assert.equal(run.status, status, run.stderr)
      assert.match(status === 1 ? run.stdout : run.stderr, pattern)
      assert.deepEqual(place.files('out'), [])
    })
  }
  await t.test('a mirror that is down could not be asked', async () => {
    place.write('casemate.yaml', DEFINITION)
    place.remove('cache')
    await place.archive.mirror.close()
    const run = await place.run(['build', '.'])
    assert.equal(run.status, 3, run.stderr)
    assert.match(run.stderr, /InRelease.*\[FETCH_FAILED\]/s)
  })
})
