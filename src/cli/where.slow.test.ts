import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { digestOf } from '#core'
import { casemate, casemateWith, type SampleImage, sampleLayout } from './sample-layout.test.ts'

const image = (...packages: readonly string[]): SampleImage => ({
  packages: Object.fromEntries(packages.map((one) => [one, []])),
})

test('images that have a package are named, by binary or source package, and by version where one is asked for', async (t) => {
  const old = await sampleLayout(t, image('libssl3t64 3.5.1-1', 'bash 5.2'))
  const fixed = await sampleLayout(t, image('libssl3t64 3.5.10-1'))
  const none = await sampleLayout(t, image('bash 5.2'))
  const rows: [string, readonly string[], number, string][] = [
    ['libssl3t64', [old, fixed], 0, 'a binary package'],
    ['openssl', [old, fixed], 0, 'its source package'],
    ['openssl<3.5.9', [old], 0, 'older, as Debian orders versions'],
    ['openssl<=3.5.10-1', [old, fixed], 0, 'that version too'],
    ['libssl3t64=3.5.10-1', [fixed], 0, 'exactly that version'],
    ['libssl3t64>3.5.10-1', [], 1, 'nothing is newer'],
    ['libssl', [], 1, 'a part of a name is no name'],
  ]
  for (const [what, references, status, because] of rows) {
    const run = casemate('where', what, old, fixed, none)
    const named = run.stdout.split('\n').filter((line) => line !== '')
    assert.deepEqual([run.status, named.map((line) => line.split(' ')[0])], [status, references], because)
  }
})

test('an image that cannot be read is named and the others are looked at; the status says that one is missing', async (t) => {
  const one = await sampleLayout(t, image('libssl3t64 3.5.1-1'))
  const run = casemate('where', 'openssl', 'oci:/nowhere:app', one, '--json')
  assert.equal(run.status, 3)
  const { schema, images } = JSON.parse(run.stdout)
  assert.equal(schema, 'casemate.where/v1')
  assert.match(images[0].error, /IMAGE_UNKNOWN|LAYOUT_INVALID/)
  assert.deepEqual(images[1].packages, [
    { name: 'libssl3t64', version: '3.5.1-1', architecture: 'amd64', source: { name: 'openssl', version: '3.5.1-1' } },
  ])
  assert.match(run.stderr, /^warning: cannot /)
})

test('what is no package or no version is wrong use', () => {
  for (const what of ['Open SSL', 'openssl<', 'openssl<x y', 'CVE-2026', 'sha256:abc']) {
    const run = casemate('where', what, 'oci:/nowhere')
    assert.equal(run.status, 2, what)
    assert.match(run.stderr, /^cannot look for .*\[USAGE_INVALID\]/)
  }
})

const TRIXIE = { path: 'etc/os-release', content: 'ID=debian\nVERSION_CODENAME=trixie\n' }
const EXPORT = {
  openssl: {
    'CVE-2026-1000': {
      releases: { trixie: { status: 'resolved', fixed_version: '3.5.7-1', urgency: 'high' } },
    },
    'CVE-2026-1001': { releases: { trixie: { status: 'resolved', fixed_version: '0', urgency: 'low' } } },
  },
}
const OSV = {
  ...{ schema_version: '1.6.7', id: 'GHSA-aaaa-bbbb-cccc', modified: '2026-11-01T00:00:00Z', summary: 'left' },
  ...{ aliases: ['CVE-2026-1000'], affected: [{ package: { ecosystem: 'npm', name: 'x' }, versions: ['1'] }] },
}

test('images that have an issue are told from those that are known not to, under each of its names', async (t) => {
  const of = (...packages: readonly string[]) => sampleLayout(t, { ...image(...packages), others: [TRIXIE] })
  const [old, fixed, none] = [await of('libssl3t64 3.5.1-1'), await of('libssl3t64 3.5.10-1'), await of('bash 5.2')]
  const run = casemateWith(t, { 'export.json': EXPORT, 'osv.json': OSV })
  const cells = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/))
  const found = run('where', 'CVE-2026-1000', old, fixed, none)
  assert.equal(found.status, 0, found.stderr)
  assert.deepEqual(cells(found.stdout), [
    ['CVE-2026-1000: in 1 of 3 images · 1 known not to have it'],
    [''],
    ['image', 'package', 'installed', 'severity', 'status'],
    [old, 'openssl', '3.5.1-1', 'high Debian', 'fixed in 3.5.7-1'],
    [fixed, 'openssl', '3.5.10-1', 'has the fix: 3.5.10-1 >= 3.5.7-1'],
  ])
  const settled = run('where', 'cve-2026-1001', old, none)
  assert.equal(settled.status, 1)
  assert.match(settled.stdout, /^CVE-2026-1001: in 0 of 2 images · 1 known not to have it$/m)
  assert.match(settled.stdout, / {2}openssl {2}3\.5\.1-1 .* not affected$/m)
  const alias = run('where', 'ghsa-AAAA-bbbb-cccc', old, 'oci:/nowhere:app', '--json')
  assert.equal(alias.status, 3)
  const { schema, issue, images } = JSON.parse(alias.stdout)
  assert.deepEqual([schema, issue], ['casemate.where/v1', 'GHSA-aaaa-bbbb-cccc'])
  assert.deepEqual([images[0].findings[0].cve, images[0].settled, images[0].error], ['CVE-2026-1000', [], null])
  assert.deepEqual([images[1].findings, images[1].settled, images[1].digest], [[], [], null])
})

test('an issue that no advisory knows is loudly so, and without advisories there is no answer', async (t) => {
  const one = await sampleLayout(t, { ...image('libssl3t64 3.5.1-1'), others: [TRIXIE] })
  const run = casemateWith(t, { 'export.json': EXPORT })
  const unknown = run('where', 'CVE-2026-9999', one)
  assert.deepEqual([unknown.status, unknown.stdout], [1, 'CVE-2026-9999: in 0 of 1 images\n'])
  assert.match(unknown.stderr, /^warning: no advisory that was imported is about CVE-2026-9999: /m)
  assert.match(unknown.stderr, /^warning: osv was never imported/m)
  assert.equal(run('where', 'CVE-2026-1000', one, '--stale', 'error').status, 3)
  const missing = casemate('where', 'CVE-2026-1000', one)
  assert.deepEqual([missing.status, missing.stdout], [3, ''])
  assert.match(missing.stderr, /\[ADVISORY_STORE_MISSING\]/)
  const nameless = run('where', 'CVE-2026-1000', one, await sampleLayout(t, image('bash 5.2')))
  assert.equal(nameless.status, 3)
  assert.match(nameless.stdout, /^CVE-2026-1000: in 1 of 2 images · 1 could not be read$/m)
})

test('a digest is found as manifest, config, layer, uncompressed layer, or as a file with its package', async (t) => {
  const content = 'the library'
  const file = { path: 'usr/lib/libssl.so.3', content }
  const one = await sampleLayout(t, {
    packages: { 'libssl3t64 3.5.1-1': [file] },
    others: [{ path: 'srv/copy', content }],
  })
  const folder = one.replace(/^oci:(.*):sample$/, '$1')
  const blob = (digest: string) => JSON.parse(readFileSync(join(folder, 'blobs', digest.replace(':', '/')), 'utf8'))
  const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')).manifests[0].digest
  const [{ digest: manifest }] = blob(index).manifests ?? [{ digest: index }]
  const { config, layers } = blob(manifest)
  const rows: [string, object[]][] = [
    [manifest, [{ is: 'manifest' }]],
    [config.digest, [{ is: 'config' }]],
    [layers[1].digest, [{ is: 'layer', layer: 2 }]],
    [blob(config.digest).rootfs.diff_ids[0], [{ is: 'diff-id', layer: 1 }]],
    [
      digestOf(content).slice('sha256:'.length),
      [
        { is: 'file', path: '/srv/copy' },
        { is: 'file', path: '/usr/lib/libssl.so.3', package: 'libssl3t64' },
      ],
    ],
    [digestOf('nothing'), []],
  ]
  for (const [digest, want] of rows) {
    const run = casemate('where', digest, one, '--json')
    assert.equal(run.status, want.length > 0 ? 0 : 1, run.stderr)
    const found = JSON.parse(run.stdout)
    const nothing = { layer: null, path: null, package: null }
    assert.deepEqual(
      found.images[0].places,
      want.map((place) => ({ ...nothing, ...place })),
      digest,
    )
    assert.match(found.digest, /^sha256:[0-9a-f]{64}$/)
  }
  const text = casemate('where', digestOf(content), one)
  assert.match(text.stdout, /^sha256:[0-9a-f]{64}: in 1 of 1 images\n\nimage +is +package +path\n/)
  assert.match(text.stdout, / file {2}libssl3t64 {2}\/usr\/lib\/libssl\.so\.3$/m)
  assert.match(casemate('where', layers[0].digest, one).stdout, / layer 1 of 2$/m)
  const sbom = casemate('where', digestOf(content), 'app.cdx.json')
  assert.equal(sbom.status, 2)
  assert.match(sbom.stderr, /it is an SBOM, which does not list files: want the image/)
})
