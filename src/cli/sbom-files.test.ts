import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { digestOf } from '#core'
import { formatCycloneDx, formatSpdx, readSbom } from '#sbom'
import { readInventory } from './image-inventory.ts'
import { casemate, type SampleImage, sampleLayout } from './sample-layout.test.ts'
import { sbomFaults } from './sbom-faults.test.ts'

const sample = (name: string) => readFileSync(join(import.meta.dirname, '../sbom/applications/testdata', name))
const image: SampleImage = {
  packages: {
    'tool 1.0-1': [
      { path: 'usr/bin/tool', content: 'tool' },
      { path: 'usr/bin/tool-link', type: 'symlink', linkPath: 'tool' },
      { path: 'usr/share/tool/old', content: 'old' },
      { path: 'usr/share/tool/gone', content: 'gone' },
      { path: 'etc/tool.conf', content: 'as packaged' },
    ],
    'merged 2.0-1': [],
  },
  others: [
    { path: 'usr/bin/merged', content: 'merged' },
    { path: 'var/lib/dpkg/info/merged.list', content: '/bin/merged\n' },
    { path: 'app/node_modules/left-pad/package.json', content: '{"name":"left-pad","version":"1.3.0"}' },
    { path: 'app/node_modules/left-pad/index.js', content: 'pad' },
    { path: 'app/hello', content: sample('go-build-info.bin'), mode: 0o755 },
    { path: 'srv/planted', content: 'planted' },
    { path: 'srv/planted-too', type: 'hardlink', linkPath: 'srv/planted' },
    { path: 'srv/cache/a', content: 'a' },
  ],
  above: [
    [
      { path: 'bin', type: 'symlink', linkPath: 'usr/bin' },
      { path: 'usr/share/tool/.wh.gone' },
      { path: 'srv/cache/.wh..wh..opq' },
      { path: 'srv/cache/b', content: 'b' },
      { path: 'etc/tool.conf', content: 'changed' },
      { path: 'srv/from-below', type: 'hardlink', linkPath: 'usr/bin/tool' },
    ],
  ],
}
const maker = { tool: 'casemate-test' }
const sums = (content: string | Buffer) => ({
  sha1: createHash('sha1').update(content).digest('hex'),
  sha256: createHash('sha256').update(content).digest('hex'),
})
const folderOf = (t: { after(end: () => void): void }) => {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-files-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}
const statementsIn = (folder: string) =>
  readdirSync(folder).map((name) => ({ name, ...JSON.parse(readFileSync(join(folder, name), 'utf8')) }))

test('both documents list the files that the image shows, by their owners, and agree with their schemas', async (t) => {
  const inventory = await readInventory(await sampleLayout(t, image), 'linux/amd64', { account: true, files: true })
  const listed = new Map(inventory.files?.map(({ path, ...rest }) => [path, rest]))
  const tool = { kind: 'package', name: 'tool', architecture: 'amd64' }
  const of = (path: string) => listed.get(path)
  assert.deepEqual(of('/usr/bin/tool'), { ...sums('tool'), owner: tool })
  assert.deepEqual(of('/etc/tool.conf'), { ...sums('changed'), owner: tool }, 'a layer above has changed it')
  assert.deepEqual(of('/srv/planted-too'), sums('planted'))
  assert.deepEqual(of('/srv/from-below'), sums('tool'), 'a hard link to a file of a layer below')
  assert.deepEqual(of('/srv/cache/b'), sums('b'))
  assert.deepEqual([of('/srv/cache/a'), of('/usr/share/tool/gone')], [undefined, undefined], 'hidden')
  assert.deepEqual(of('/usr/bin/tool-link'), undefined, 'a symbolic link has no content')
  assert.equal(listed.size, 16)
  const [spdx, cycloneDx] = [formatSpdx(inventory, maker), formatCycloneDx(inventory, maker)]
  const faults = (left: string, right: string) =>
    sbomFaults(left, right).filter((fault) => !/ has no supplier$|^CycloneDX: os:debian has no name or/.test(fault))
  assert.deepEqual(faults(spdx, cycloneDx), [])
  const { sha1 } = sums('pad')
  assert.match(faults(spdx.replaceAll(sha1, sums('').sha1), cycloneDx).join('\n'), /verification code[\s\S]*index\.js/)
  assert.match(
    faults(spdx, cycloneDx.replace('"name": "/srv/cache/b"', '"name": "/srv/cache/c"')).join('\n'),
    /differ in the file/,
  )
  const lost = spdx.replace(/(?<="SPDXRef-File-[0-9a-f]+",\n\s+"relationshipType": )"CONTAINS"/, '"AMENDS"')
  assert.match(faults(lost, cycloneDx).join('\n'), /is not in one package/)
  const made = JSON.parse(spdx).relationships.filter(
    (one: { relationshipType: string }) => one.relationshipType === 'GENERATED_FROM',
  )
  assert.equal(made.length, inventory.applications.filter(({ path }) => path === '/app/hello').length)
  assert.deepEqual(
    [spdx, cycloneDx].map((text) => readSbom(text, 'x.json').packages.length),
    [2, 2],
  )
})

test('a layer says the same of its files in every image that has it, in a file by its diff ID', async (t) => {
  const folder = folderOf(t)
  const layers = (reference: string) => casemate('sbom', reference, '--layers', folder)
  const first = layers(await sampleLayout(t, image))
  assert.equal(first.status, 0, first.stderr)
  assert.equal(first.stdout.match(/^written /gm)?.length, 3)
  const times = readdirSync(folder).map((name) => statSync(join(folder, name), { bigint: true }).mtimeNs)
  const other = { ...image, above: [], config: { Labels: { 'dev.casemate.image': 'other' } } }
  assert.match(layers(await sampleLayout(t, other)).stdout, /^there [^\n]*\nthere [^\n]*\n$/)
  assert.deepEqual(
    readdirSync(folder).map((name) => statSync(join(folder, name), { bigint: true }).mtimeNs),
    times,
  )
  const statements = statementsIn(folder)
  for (const { name, schema, diffId } of statements) {
    assert.equal(schema, 'casemate.layer-files/v1')
    assert.equal(name, `${diffId.replace(':', '-')}.json`)
  }
  const top = statements.find(({ removed }) => removed.length > 0)
  assert.deepEqual([top?.removed, top?.opaque], [['/usr/share/tool/gone'], ['/srv/cache']])
  const fileOf = (path: string) =>
    statements.flatMap(({ files }) => files.filter((one: { path: string }) => one.path === path))
  const tool = { kind: 'package', name: 'tool' }
  assert.deepEqual(fileOf('/usr/bin/tool'), [
    { path: '/usr/bin/tool', type: 'file', size: 4, ...sums('tool'), owner: tool },
  ])
  assert.deepEqual(fileOf('/usr/bin/merged')[0].owner, { kind: 'package', name: 'merged' })
  assert.deepEqual(fileOf('/usr/bin/tool-link'), [
    { path: '/usr/bin/tool-link', type: 'symlink', target: 'tool', owner: tool },
  ])
  assert.deepEqual(
    fileOf('/etc/tool.conf').map(({ owner }) => owner),
    statements.flatMap((one) => (one === top ? [null] : one.files.length > 1 ? [tool] : [])),
  )
  assert.deepEqual(fileOf('/app/node_modules/left-pad/index.js')[0].owner, {
    kind: 'application',
    path: '/app/node_modules/left-pad/package.json',
  })
  assert.deepEqual(fileOf('/var/lib/dpkg/info/tool.list')[0].owner, { kind: 'package-database', name: 'dpkg' })
  assert.deepEqual(fileOf('/srv/planted')[0].owner, null)
})

test('a statement that differs is replaced, and what cannot be asked for is said', async (t) => {
  const folder = folderOf(t)
  const reference = await sampleLayout(t, {
    packages: {},
    others: [{ path: 'usr/share/casemate/contract.json', content: '{}' }],
  })
  casemate('sbom', reference, '--layers', folder)
  const [name = ''] = readdirSync(folder).filter((one) => readFileSync(join(folder, one), 'utf8').includes('contract'))
  const text = readFileSync(join(folder, name), 'utf8')
  const owners = JSON.parse(text).files.map(({ path, owner }: { path: string; owner: object }) => [path, owner])
  assert.deepEqual(owners, [
    ['/etc/passwd', { kind: 'effect', name: 'accounts' }],
    ['/usr/share/casemate/contract.json', { kind: 'definition', name: 'contract' }],
    ['/var/lib/dpkg/status', { kind: 'package-database', name: 'dpkg' }],
  ])
  writeFileSync(join(folder, name), '{}')
  assert.match(casemate('sbom', reference, '--layers', folder).stdout, /^written .*\n?/m)
  assert.equal(digestOf(readFileSync(join(folder, name))), digestOf(text))
  const text2 = casemate('sbom', reference, '--files', '--format', 'text')
  assert.deepEqual([text2.status, text2.stderr.includes('cannot list files as text')], [2, true])
  assert.equal(casemate('sbom', reference, '--files', '--layers', folder).status, 2)
  assert.equal(casemate('sbom', reference, '--layers', join(folder, name)).status, 2)
})
