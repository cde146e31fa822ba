import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { digestOf } from '#core'
import { parseDefinition } from '#image'
import {
  composeImage,
  composeIndex,
  MEDIA_TYPES,
  openImage,
  parseReference,
  platformOfDebian,
  readImageFiles,
  writeLayout,
} from '#oci'
import { tarOf, testArchive } from '#testkit'
import { fencedBlocks } from '../readme-blocks.ts'
import { samplePackages } from './sample-packages.ts'
import { openWorkplace, type Workplace } from './workplace.ts'

const EXAMPLES = resolve(import.meta.dirname, '../../examples')
const BASES = ['python', 'node', 'java-21', 'rsync', 'restic']
/** Built by a proof: they want the registries of their languages. */
const DOCKERFILES = ['java-dockerfile', 'python-dockerfile']

const PROGRAM = { content: 'program\n', mode: 0o755 }
const debs = [
  ...samplePackages('amd64'),
  { name: 'interpreter', version: '1.0', files: { '/usr/bin/python3': PROGRAM } },
  { name: 'openssh-client', version: '10.0', files: { '/usr/bin/ssh': PROGRAM } },
  { name: 'jq', version: '1.7', files: { '/usr/bin/jq': PROGRAM }, fields: { Depends: 'libjq1' } },
  { name: 'libjq1', version: '1.7', files: { '/usr/lib/libjq.so.1': 'lib' } },
]

/** The examples, on stand-ins for the catalogue's images that are made of a signed test archive. */
async function openExamples(t: TestContext): Promise<Workplace> {
  const place = await openWorkplace(t, { debs })
  for (const base of BASES) {
    place.write(
      `${base}.yaml`,
      `image: ${base}
archive: ${place.archive.name}
packages: [interpreter, openssh-client]
platforms: [linux/amd64]
environment: { LANG: C.UTF-8 }
accounts: { users: [{ name: nonroot, uid: 65532 }], groups: [{ name: nonroot, gid: 65532 }] }
entrypoint: [/usr/bin/python3]
`,
    )
  }
  cpSync(EXAMPLES, join(place.folder, 'examples'), { recursive: true })
  for (const name of readdirSync(EXAMPLES)) {
    if (!place.files(`examples/${name}`).includes('casemate.yaml')) continue
    const file = `examples/${name}/casemate.yaml`
    const text = place
      .read(file)
      .replace(/^from: (.*)$/m, (line) => line.replaceAll(/[a-z][a-z0-9-]+(?=,|\]|$)/g, '../../$&.yaml'))
    place.write(file, text.replace('debian-13', place.archive.name))
  }
  return place
}

/** Builds an example and gives the files of its image with their contents. */
async function build(place: Workplace, name: string, args: readonly string[] = [], env: Record<string, string> = {}) {
  const run = await place.run(['build', `examples/${name}`, '-o', `oci:out-${name}:{image}`, '--json', ...args], {
    env,
  })
  assert.equal(run.status, 0, run.stderr + run.stdout)
  return filesOf(place, `oci:out-${name}`)
}

async function filesOf(place: Workplace, reference: string) {
  const image = await openImage(parseReference(reference.replace('oci:', `oci:${place.folder}/`)))
  const files = await readImageFiles(image.layers, { wants: ({ size }) => size < 100_000 })
  const text = (path: string) => Buffer.from(files.read(path) ?? []).toString('utf8')
  return { files, text, config: image.config.config }
}

test('every example has a definition of at most ten lines or a Dockerfile, and a page of a few lines', () => {
  const names = readdirSync(EXAMPLES, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  assert.equal(names.length, 10)
  for (const { name } of names) {
    const file = DOCKERFILES.includes(name) ? 'Dockerfile' : 'casemate.yaml'
    const lines = readFileSync(join(EXAMPLES, name, file), 'utf8')
      .trimEnd()
      .split('\n').length
    assert.ok(lines <= 10, `${name}: ${lines} lines`)
    const page = readFileSync(join(EXAMPLES, name, 'README.md'), 'utf8')
    assert.ok(page.split('\n').length <= 15, name)
    assert.equal(fencedBlocks(page).length, 1, name)
  }
})

test('every definition of the page on sources is one', () => {
  const page = readFileSync(join(EXAMPLES, '../docs/definition-sources.md'), 'utf8')
  const blocks = fencedBlocks(page)
  assert.equal(blocks.length, 5)
  for (const { language, text, line } of blocks) {
    assert.equal(language, 'yaml', `no test reads the block on line ${line}`)
    assert.ok(parseDefinition(text, `line ${line}`).image !== '')
  }
})

test('an extra package comes above the layers of its base', async (t) => {
  const { files } = await build(await openExamples(t), 'extra-package')
  assert.ok(files.get('/usr/bin/jq') && files.get('/usr/lib/libjq.so.1') && files.get('/usr/bin/python3'))
})

test('a removed package is nowhere in the image', async (t) => {
  const { files, text } = await build(await openExamples(t), 'removed-package')
  assert.equal(files.get('/usr/bin/ssh'), undefined)
  assert.doesNotMatch(text('/var/lib/dpkg/status'), /^Package: openssh-client$/m)
})

test("a company's certificate stands in the bundle, and its variable in the config", async (t) => {
  const { text, config } = await build(await openExamples(t), 'corporate-ca')
  const pem = readFileSync(join(EXAMPLES, 'corporate-ca/corporate-root.crt'), 'utf8')
  assert.ok(text('/etc/ssl/certs/ca-certificates.crt').includes(pem.trim()))
  assert.deepEqual(config.Env, ['LANG=C.UTF-8', 'REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt'])
})

test('an extra archive is trusted by its own key alone, and named with each of its packages', async (t) => {
  const place = await openExamples(t)
  const extra = await testArchive(t, {
    ...{ name: 'acme-1', suite: 'stable', origin: 'Acme', label: 'Acme' },
    debs: [{ name: 'acme-agent', version: '2.0', files: { '/usr/bin/acme-agent': PROGRAM } }],
  })
  const env = { CASEMATE_MIRROR: `${place.environment['CASEMATE_MIRROR']},acme-1=${extra.mirror.url}` }
  const refused = await place.run(['lock', 'examples/extra-archive'], { env })
  assert.match(
    refused.stderr,
    /cannot trust suite stable.*SUITE_UNTRUSTED/s,
    'the key beside the example is another one',
  )

  cpSync(extra.archiveFolder, join(place.folder, 'examples/extra-archive/archives'), { recursive: true })
  const locked = await place.run(['lock', 'examples/extra-archive'], { env })
  assert.equal(locked.status, 0, locked.stderr)
  const { files } = await build(place, 'extra-archive', [], env)
  assert.ok(files.get('/usr/bin/acme-agent'))
  const explained = await place.run(['explain', 'examples/extra-archive', 'acme-agent'], { env })
  assert.match(explained.stdout, /from +acme-1\/stable, pool\//)
  const own = await place.run(['explain', 'examples/extra-archive', 'interpreter'], { env })
  assert.match(own.stdout, /from +test-1\/trixie, pool\//)
})

test('files of the repository stand where the definition puts them', async (t) => {
  const place = await openExamples(t)
  place.write('examples/files/app/lib/words.pyc', 'compiled')
  place.write('examples/files/app/tests/words.py', 'test')
  const { files, text } = await build(place, 'files')
  const own = [...files.entries()].filter(({ path, type }) => path.startsWith('/srv/') && type !== 'directory')
  assert.deepEqual(own.map(({ path, mode }) => [path, mode.toString(8)]).sort(), [
    ['/srv/greeter/bin/greeter', '755'],
    ['/srv/greeter/lib/words.py', '644'],
  ])
  assert.equal(text('/etc/greeter.conf'), 'word = hello\n')
})

test('another user runs the program, in a home of its own', async (t) => {
  const { files, text, config } = await build(await openExamples(t), 'other-user')
  assert.deepEqual([config.User, config.WorkingDir], ['4000:4000', '/var/lib/backup-job'])
  assert.match(text('/etc/passwd'), /^backup-job:\*:4000:4000::\/var\/lib\/backup-job:/m)
  const { mode, uid, gid } = files.get('/var/lib/backup-job') ?? assert.fail()
  assert.deepEqual([mode, uid, gid], [0o750, 4000, 4000])
})

test("another image's program is taken in by its digest", async (t) => {
  const place = await openExamples(t)
  const digest = await writeTools(join(place.folder, 'tools'))
  const file = 'examples/another-image/casemate.yaml'
  place.write(file, place.read(file).replace(/image: registry.*$/m, `image: oci:../../tools@${digest}`))
  const { text } = await build(place, 'another-image')
  assert.equal(text('/usr/local/bin/tool'), 'tool of amd64')
})

/** Writes a layout with an image that has a tool; gives its digest. */
async function writeTools(folder: string): Promise<string> {
  const tar = tarOf({ path: 'usr/bin/tool', content: 'tool of amd64', mode: 0o755 })
  const bytes = gzipSync(tar)
  const descriptor = { mediaType: MEDIA_TYPES.layerGzip, digest: digestOf(bytes), size: bytes.length }
  const config = { platform: platformOfDebian('amd64'), created: '2026-01-02T03:04:05Z', config: {} }
  const image = composeImage({ config, layers: [{ descriptor, diffId: digestOf(tar) }] })
  const source = composeIndex([image], {
    async *open() {
      yield bytes
    },
  })
  await writeLayout(folder, source)
  return source.top.descriptor.digest
}

test('one overlay stands on three bases, each with a lock of its own', async (t) => {
  const place = await openExamples(t)
  const locked = await place.run(['lock', 'examples/matrix'])
  assert.equal(locked.status, 0, locked.stderr)
  const locks = place.files('examples/matrix').filter((name) => name.endsWith('.lock'))
  assert.deepEqual(
    locks,
    ['java-21', 'node', 'python'].map((base) => `casemate.${base}.lock`),
  )
  const built = await place.run(['build', 'examples/matrix', '--only', 'python', 'node', '-o', 'oci:out:{image}'])
  assert.equal(built.status, 0, built.stderr)
  const pem = readFileSync(join(EXAMPLES, 'matrix/corporate-root.crt'), 'utf8')
  for (const base of ['python', 'node']) {
    const { text, config } = await filesOf(place, `oci:out:corporate-${base}`)
    assert.ok(text('/etc/ssl/certs/ca-certificates.crt').includes(pem.trim()))
    assert.equal(config.Labels?.['org.example.team'], 'platform')
  }
  await assert.rejects(filesOf(place, 'oci:out:corporate-java-21'), { code: 'IMAGE_UNKNOWN' })

  const explained = await place.run(['explain', 'examples/matrix#node', '/usr/bin/python3'])
  assert.equal(explained.status, 0, explained.stderr)
  const refusals: readonly [readonly string[], RegExp][] = [
    [
      ['explain', 'examples/matrix', 'interpreter'],
      /it makes an image on each of python, node, java-21: choose one by #NAME/,
    ],
    [['explain', 'examples/matrix#nod', 'interpreter'], /it has no base nod: did you mean node\?/],
    [['build', 'examples/matrix', '-o', 'oci:out:one'], /3 images cannot all be oci:out:one; write \{image\} in it/],
    [
      ['build', 'examples/matrix', '--only', 'ruby'],
      /cannot choose ruby of examples\/matrix: it has the bases python, node, java-21/,
    ],
    [['build', 'examples/files', '--only', 'python'], /it makes one image/],
  ]
  for (const [args, words] of refusals) {
    const refused = await place.run(args)
    assert.equal(refused.status, 2, args.join(' '))
    assert.match(refused.stderr, words)
  }
})
