import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sbomFaults } from '../../test/sbom-schemas.ts'
import { casemate, type SampleImage, sampleLayout } from './sample-layout.test.ts'

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
    { path: 'srv/odd\u001b[31m name', content: 'x' },
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
const unexplained = ['/app/broken.jar', '/etc/os-release', '/etc/passwd', '/srv/odd\u001b[31m name']

test('both documents hold applications once, never for a package’s files, and list what nothing explains', async (t) => {
  const reference = await sampleLayout(t, image)
  const [spdx, cycloneDx] = ['spdx', 'cyclonedx'].map((format) => casemate('sbom', reference, '--format', format))
  assert.deepEqual([spdx?.status, cycloneDx?.status], [0, 0])
  const document = JSON.parse(cycloneDx?.stdout ?? '')
  const purls = document.components.flatMap(({ purl = '' }) =>
    purl.startsWith('pkg:deb/') || purl === '' ? [] : [purl],
  )
  assert.deepEqual(purls, found)
  const properties: { name: string; value: string }[] = document.metadata.component.properties
  const listed = properties.filter(({ name }) => name === 'casemate:file:unexplained').map(({ value }) => value)
  assert.deepEqual(listed, unexplained)
  assert.match(spdx?.stderr ?? '', /cannot read \/app\/broken\.jar: it has no central directory/)
  // The sample's packages name no maintainer, as Debian's own always do.
  const faults = sbomFaults(spdx?.stdout ?? '', cycloneDx?.stdout ?? '')
  assert.deepEqual(
    faults.filter((fault) => !fault.endsWith('has no supplier')),
    [],
  )
})

test('documents that break a schema, lack an element or disagree are told', async (t) => {
  const reference = await sampleLayout(t, image)
  const [spdx = '', cycloneDx = ''] = ['spdx', 'cyclonedx'].map(
    (format) => casemate('sbom', reference, '--format', format).stdout,
  )
  const changed = (text: string, from: string, to: string) => {
    assert.ok(text.includes(from))
    return text.replace(from, to)
  }
  assert.match(sbomFaults(changed(spdx, '"CONTAINER"', '"SHIP"'), cycloneDx).join(), /SPDX: \/packages\/0\/primaryPack/)
  assert.match(sbomFaults(spdx, changed(cycloneDx, '"library"', '"books"')).join(), /CycloneDX: \/components\/0\/type/)
  assert.match(sbomFaults(spdx, changed(cycloneDx, 'left-pad@1.3.0"', 'left-pad@1.3.1"')).join(), /left-pad/)
  assert.match(sbomFaults(changed(spdx, '/etc/passwd', '/etc/shadow'), cycloneDx).join(), /\/etc\/shadow/)
})

test('the text for people names applications and unexplained files, and nothing in it steers a terminal', async (t) => {
  const { status, stdout } = casemate('sbom', await sampleLayout(t, image), '--format', 'text')
  assert.equal(status, 0)
  assert.match(stdout, /^Debian packages +2, of 2 source packages$/m)
  assert.match(stdout, /^ {2}npm +left-pad 1\.3\.0 +\/app\/node_modules\/left-pad\/package\.json$/m)
  assert.match(stdout, /^Files that nothing explains \(4\)$/m)
  assert.ok(stdout.includes('/srv/odd\\u001b[31m name') && !stdout.includes('\u001b'))
})

test('effects and definition are told in layers that an image’s history calls its own, not above them', async (t) => {
  const labels = { 'dev.casemate.image': 'python', 'dev.casemate.variant': 'runtime' }
  const reference = await sampleLayout(t, { packages: {}, others: image.others ?? [], config: { Labels: labels } })
  const { stdout } = casemate('sbom', reference, '--format', 'text')
  assert.match(stdout, /^Files that nothing explains \(4\)$/m)
  assert.doesNotMatch(stdout, /effect/)
  const { status, stdout: document } = casemate('sbom', reference, '--definition', 'python')
  assert.equal(status, 0)
  const [own] = JSON.parse(document).packages
  const notes: string[] = own.annotations.map(({ comment }: { comment: string }) => comment)
  assert.ok(notes.some((note) => note.startsWith('what was left out is from the definition of python')))
  assert.ok(notes.some((note) => note.startsWith('left out by the definition: openssl: ')))
  assert.equal(casemate('sbom', reference, '--definition', 'node').status, 2)
})
