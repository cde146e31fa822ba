import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { formatCycloneDx, formatSpdx } from '#sbom'
import { readInventory } from './image-inventory.ts'
import { casemate, type SampleImage, sampleLayout } from './sample-layout.test.ts'
import { sbomFaults } from './sbom-faults.test.ts'

const sample = (name: string) => readFileSync(join(import.meta.dirname, '../sbom/applications/testdata', name))
const manifest = '{"name":"left-pad","version":"1.3.0","license":"WTFPL"}'
const image: SampleImage = {
  packages: {
    'node-yaml 2.0-1': [
      { path: 'usr/share/nodejs/node_modules/yaml/package.json', content: '{"name":"yaml","version":"2"}' },
    ],
    'libslf4j-java 1.7.32-1': [{ path: 'usr/share/java/slf4j-nop.jar', content: sample('slf4j-nop-1.7.32.jar') }],
  },
  others: [
    { path: 'app/node_modules/left-pad/package.json', content: manifest },
    { path: 'app/node_modules/left-pad/index.js', content: '' },
    { path: 'app/lib/six-1.17.0.dist-info/METADATA', content: sample('six-METADATA') },
    { path: 'app/lib/six-1.17.0.dist-info/RECORD', content: sample('six-RECORD') },
    { path: 'app/lib/six.py', content: 'six' },
    { path: 'app/hello', content: sample('go-build-info.bin'), mode: 0o755 },
    { path: 'app/slf4j-nop-1.7.32.jar', content: sample('slf4j-nop-1.7.32.jar') },
    { path: 'gems/specifications/minitest-5.17.0.gemspec', content: sample('minitest-5.17.0.gemspec') },
    { path: 'app/broken.jar', content: 'x\u001b[2J' },
    { path: 'srv/odd\u202e name', content: 'x' },
  ],
}
const found = [
  'pkg:gem/minitest@5.17.0',
  'pkg:golang/example.org/hello',
  'pkg:golang/github.com/google/uuid@v1.6.0',
  'pkg:golang/golang.org/x/text@v0.15.0',
  'pkg:golang/stdlib@1.26.8',
  'pkg:maven/org.slf4j/slf4j-nop@1.7.32',
  'pkg:npm/left-pad@1.3.0',
  'pkg:pypi/six@1.17.0',
]
const unexplained = ['/app/broken.jar', '/etc/os-release', '/etc/passwd', '/srv/odd\u202e name']

const maker = { tool: 'casemate-test' }
const read = (reference: string, definition?: string) =>
  readInventory(reference, 'linux/amd64', { licences: true, account: true, ...(definition && { definition }) })

test('both documents hold applications once, never for a package’s files, and list what nothing explains', async (t) => {
  const inventory = await read(await sampleLayout(t, image))
  assert.deepEqual(
    inventory.applications.map(({ purl }) => purl),
    found,
  )
  assert.deepEqual(inventory.account?.unexplained, unexplained)
  assert.deepEqual(inventory.faults, ['cannot read /app/broken.jar: it has no central directory'])
  const [spdx, cycloneDx] = [formatSpdx(inventory, maker), formatCycloneDx(inventory, maker)]
  // The sample's packages name no maintainer and its system no version, as Debian's releases do.
  const faults = sbomFaults(spdx, cycloneDx)
  assert.deepEqual(
    faults.filter((fault) => !/ has no supplier$|^CycloneDX: os:debian has no name or version$/.test(fault)),
    [],
  )
  const changed = (text: string, from: string, to: string) => {
    assert.ok(text.includes(from))
    return text.replace(from, to)
  }
  assert.match(sbomFaults(changed(spdx, '"CONTAINER"', '"SHIP"'), cycloneDx).join(), /SPDX: \/packages\/0\/primaryPack/)
  assert.match(sbomFaults(spdx, changed(cycloneDx, '"library"', '"books"')).join(), /CycloneDX: \/components\/1\/type/)
  assert.match(sbomFaults(spdx, changed(cycloneDx, '"version": "1.3.0"', '"version": "1.3.1"')).join(), /left-pad/)
  assert.match(sbomFaults(changed(spdx, '/etc/passwd', '/etc/shadow'), cycloneDx).join(), /\/etc\/shadow/)
})

test('the text for people names applications and unexplained files, and nothing in it steers a terminal', async (t) => {
  const { status, stdout, stderr } = casemate('sbom', await sampleLayout(t, image), '--format', 'text')
  assert.equal(status, 0)
  assert.match(stdout, /^Debian packages +2, of 2 source packages$/m)
  assert.match(stdout, /^ {2}npm +left-pad 1\.3\.0 +\/app\/node_modules\/left-pad\/package\.json$/m)
  assert.match(stdout, /^Files that nothing explains \(4\)$/m)
  assert.ok(stdout.includes('/srv/odd\\u202e name') && !stdout.includes('\u202e'))
  assert.match(stderr, /cannot read \/app\/broken\.jar/)
})

test('a label alone makes no file an effect’s; a definition adds what it leaves out, and must be the image’s', async (t) => {
  const labels = { 'dev.casemate.image': 'python', 'dev.casemate.variant': 'runtime' }
  const reference = await sampleLayout(t, { packages: {}, others: image.others ?? [], config: { Labels: labels } })
  const inventory = await read(reference, 'python')
  assert.ok(inventory.account?.unexplained.includes('/etc/passwd'))
  assert.deepEqual(
    inventory.account?.groups.map(({ name, files }) => [name, files]),
    [['dpkg', ['/var/lib/dpkg/status']]],
  )
  assert.ok(inventory.definition?.leftOut.some(({ name }) => name === 'openssl'))
  const document = JSON.parse(formatSpdx(inventory, maker))
  const notes: string[] = document.packages[0].annotations.map(({ comment }: { comment: string }) => comment)
  assert.ok(notes.some((note) => note.startsWith('what was left out is from the definition of python')))
  assert.ok(notes.some((note) => note.startsWith('left out by the definition: openssl: ')))
  await assert.rejects(read(reference, 'node'), /cannot use the definition node: it makes node, and the image says/)
})
