import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { digestOf, hexOf } from '#core'
import { composeImage, composeIndex, MEDIA_TYPES, platformOfDebian, pushImage, segmentBlobs, writeLayout } from '#oci'
import { RegistryServer } from '#oci/registry'
import { httpServer, type TarItem, tarOf } from '#testkit'
import { DEFINITION, openWorkplace, type Workplace } from './workplace.ts'

/** A definition with these entries of `paths`, one a line. */
const withPaths = (...entries: readonly string[]) =>
  DEFINITION.replace(/ {2}- \{ path: \/etc\/motd.*\n/, entries.map((entry) => `  - ${entry}\n`).join(''))

/** A web server with files by path, and what it was asked for. */
async function webServer(t: TestContext, files: Readonly<Record<string, Uint8Array | { readonly to: string }>>) {
  const requests: string[] = []
  const address = await httpServer(t, (request, reply) => {
    requests.push(request.url ?? '')
    const found = files[request.url ?? '']
    if (found === undefined) return void reply.writeHead(404).end()
    if ('to' in found) return void reply.writeHead(302, { location: found.to }).end()
    reply.writeHead(200, { 'content-length': found.length }).end(found)
  })
  return { url: `http://${address}`, requests }
}

/** The paths of the image's last layer as `tar` lists them: mode, owner, size or target. */
function lastLayer(place: Workplace, summary: Awaited<ReturnType<Workplace['build']>>): Record<string, string> {
  const layer = summary.platforms[0]?.layers.at(-1)?.digest.slice('sha256:'.length) ?? ''
  const listed = execFileSync(
    'tar',
    ['--list', '--verbose', '--numeric-owner', '--gzip', '--file', join(place.folder, 'out/blobs/sha256', layer)],
    { encoding: 'utf8' },
  )
  return Object.fromEntries(
    listed
      .trim()
      .split('\n')
      .map((line) => {
        const [mode = '', owner = '', size = '', , , ...name] = line.split(/\s+/)
        const [path = '', target] = name.join(' ').split(' -> ')
        return [`/${path.replace(/\/$/, '')}`, target === undefined ? `${mode} ${owner} ${size}` : `to ${target}`]
      }),
  )
}

const only = (tree: Record<string, string>, prefix: string) =>
  Object.fromEntries(Object.entries(tree).filter(([path]) => path.startsWith(prefix)))

test('a folder of the repository is taken in: chosen by patterns, executable or not, links inside it kept', async (t) => {
  const place = await openWorkplace(t)
  for (const file of ['app/main.py', 'app/lib/a.py', 'app/lib/a.pyc', 'app/tests/t.py', 'app/run', 'app/.git']) {
    place.write(file, `# ${file}\n`)
  }
  chmodSync(join(place.folder, 'app/run'), 0o700)
  symlinkSync('lib/a.py', join(place.folder, 'app/start.py'))
  place.write('casemate.yaml', withPaths('{ path: /srv/app, source: app, exclude: [tests, "**/*.pyc"] }'))
  const first = await place.build()
  assert.deepEqual(only(lastLayer(place, first), '/srv/'), {
    '/srv/app': 'drwxr-xr-x 0/0 0',
    '/srv/app/lib': 'drwxr-xr-x 0/0 0',
    '/srv/app/lib/a.py': '-rw-r--r-- 0/0 15',
    '/srv/app/main.py': '-rw-r--r-- 0/0 14',
    '/srv/app/run': '-rwxr-xr-x 0/0 10',
    '/srv/app/start.py': 'to lib/a.py',
  })

  await t.test('what is left out decides nothing', async () => {
    place.write('app/tests/t.py', 'other')
    assert.equal(await place.digest(), first.digest)
  })
  await t.test('modes and owners are set where the definition says so, and patterns choose', async () => {
    place.write(
      'casemate.yaml',
      withPaths(
        '{ path: /srv/app, source: app, include: ["**/*.py"], exclude: [tests], mode: "0640", directory-mode: "0750", uid: 7, gid: 8 }',
      ),
    )
    assert.deepEqual(only(lastLayer(place, await place.build()), '/srv/'), {
      '/srv/app': 'drwxr-x--- 7/8 0',
      '/srv/app/lib': 'drwxr-x--- 7/8 0',
      '/srv/app/lib/a.py': '-rw-r----- 7/8 15',
      '/srv/app/main.py': '-rw-r----- 7/8 14',
      '/srv/app/start.py': 'to lib/a.py',
    })
  })
  await t.test('a directory that is there stays as it is', async () => {
    place.write('rootfs/tmp/x', '')
    place.write('casemate.yaml', withPaths('{ path: /, source: rootfs, directory-mode: "0700" }'))
    const tree = lastLayer(place, await place.build())
    assert.equal(tree['/tmp'], 'drwxrwxrwt 0/0 0')
    assert.equal(tree['/tmp/x'], '-rw-r--r-- 0/0 0')
  })
})

test('a URL is fetched once, checked by its digest, and never part of what the image is', async (t) => {
  const place = await openWorkplace(t)
  const tool = Buffer.from('#!/usr/bin/greet\n')
  const sha256 = hexOf(digestOf(tool))
  const files = { '/a/tool': tool, '/b/tool': { to: '/a/tool' }, '/wrong': Buffer.from('other') }
  const { url, requests } = await webServer(t, files)
  const entry = (path: string) => `{ path: /usr/local/bin/tool, url: "${url}${path}", sha256: ${sha256}, mode: "0755" }`
  place.write('casemate.yaml', withPaths(entry('/a/tool')))
  assert.equal((await place.run(['lock', '.'])).status, 0)
  assert.deepEqual(requests, [], 'a lock needs nothing of it')
  const offline = await place.run(['build', '.', '--offline'])
  assert.equal(offline.status, 3)
  assert.match(
    offline.stderr,
    /cannot fetch http.*\/a\/tool \(sha256:.*neither cache nor stores have it .*OFFLINE_MISSING/s,
  )
  const first = await place.build()
  assert.equal(lastLayer(place, first)['/usr/local/bin/tool'], '-rwxr-xr-x 0/0 17')
  assert.equal(await place.digest(['--offline']), first.digest)
  assert.deepEqual(requests, ['/a/tool'])

  place.write('casemate.yaml', withPaths(entry('/b/tool')))
  rmSync(join(place.folder, 'cache'), { recursive: true })
  assert.equal(
    await place.digest(),
    first.digest,
    'another URL with the same content is the same image, by the same lock',
  )
  assert.deepEqual(requests.slice(1), ['/b/tool', '/a/tool'])

  const explained = await place.run(['explain', '.', '/usr/local/bin/tool'])
  assert.match(explained.stdout, new RegExp(`taken in +from ${url}/b/tool \\(sha256:${sha256}\\)`))

  for (const [path, words] of [
    ['/wrong', /cannot store object: want sha256:.*FETCH_MISMATCH/s],
    ['/none', /HTTP status 404.*FETCH_MISSING/s],
  ] as const) {
    place.write('casemate.yaml', withPaths(entry(path)))
    rmSync(join(place.folder, 'cache'), { recursive: true, force: true })
    const refused = await place.run(['build', '.'])
    assert.equal(refused.status, 3, path)
    assert.match(refused.stderr, words)
  }
})

const DIRECTORY = { type: 'directory', mode: 0o775, uid: 1001 } as const
const RELEASE: readonly TarItem[] = [
  { path: 'tool-1.2', ...DIRECTORY },
  { path: 'tool-1.2/bin', ...DIRECTORY },
  { path: 'tool-1.2/bin/tool', content: 'program', mode: 0o775, uid: 1001 },
  { path: 'tool-1.2/bin/t', type: 'symlink', linkPath: 'tool' },
  { path: 'tool-1.2/bin/again', type: 'hardlink', linkPath: 'tool-1.2/bin/tool' },
  { path: 'tool-1.2/README', content: 'words', mode: 0o664 },
]

test('archives are unpacked: what is chosen of them, with our owners', async (t) => {
  const place = await openWorkplace(t)
  const tar = tarOf(...RELEASE)
  mkdirSync(join(place.folder, 'zipped'))
  execFileSync('tar', ['--extract', '--no-same-owner', '--directory', join(place.folder, 'zipped')], { input: tar })
  execFileSync('zip', ['--quiet', '--recurse-paths', '--symlinks', '../t.zip', '.'], {
    cwd: join(place.folder, 'zipped'),
  })
  const compress = (program: string) => execFileSync(program, ['-c'], { input: tar })
  const packed: Record<string, Uint8Array> = {
    'tar.gz': gzipSync(tar),
    'tar.xz': compress('xz'),
    'tar.zst': compress('zstd'),
    tar,
    zip: readFileSync(join(place.folder, 't.zip')),
  }
  const { url } = await webServer(
    t,
    Object.fromEntries(Object.entries(packed).map(([name, bytes]) => [`/${name}`, bytes])),
  )
  const build = (packing: string, more: string) => {
    const sha256 = hexOf(digestOf(packed[packing] ?? new Uint8Array()))
    place.write(
      'casemate.yaml',
      withPaths(`{ path: /opt/tool, url: "${url}/${packing}", sha256: ${sha256}, unpack: ${packing}, ${more} }`),
    )
    return place.build()
  }
  const digests = new Set<string>()
  for (const packing of Object.keys(packed)) {
    const built = await build(packing, 'strip: 1, exclude: [README]')
    assert.deepEqual(
      only(lastLayer(place, built), '/opt/'),
      {
        '/opt/tool': 'drwxr-xr-x 0/0 0',
        '/opt/tool/bin': 'drwxr-xr-x 0/0 0',
        '/opt/tool/bin/again': '-rwxr-xr-x 0/0 7',
        '/opt/tool/bin/t': 'to tool',
        '/opt/tool/bin/tool': '-rwxr-xr-x 0/0 7',
      },
      packing,
    )
    digests.add(built.digest)
  }
  assert.equal(digests.size, 1, 'how it was packed does not matter')
  const one = await build('tar.gz', 'from-path: tool-1.2/bin/t')
  assert.deepEqual(only(lastLayer(place, one), '/opt/'), { '/opt/tool': '-rwxr-xr-x 0/0 7' })
})

/** A registry that ends with the test; gives its address. */
async function openRegistry(t: TestContext): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-registry-'))
  const server = await RegistryServer.start(folder, { host: '127.0.0.1', port: 0, onError: () => {} })
  t.after(async () => {
    await server.close(100)
    rmSync(folder, { recursive: true })
  })
  return server.address
}

/** An image of two layers for each architecture, as a source that can be written and pushed. */
function toolImage(folder: string) {
  const made = ['amd64', 'arm64'].map((architecture) => {
    const layers = [
      tarOf(
        { path: 'usr/bin', type: 'directory', mode: 0o755 },
        { path: 'usr/bin/tool', content: `tool of ${architecture}`, mode: 0o755, uid: 3, gid: 4 },
        { path: 'usr/bin/alias', type: 'symlink', linkPath: '/etc/alternatives/tool' },
        { path: 'etc/alternatives/tool', type: 'symlink', linkPath: '/usr/bin/tool' },
        { path: 'opt/old', content: 'old' },
        { path: 'opt/kept', content: 'kept', mode: 0o600 },
        { path: 'opt/su', content: 'su', mode: 0o4755 },
      ),
      tarOf({ path: 'opt/.wh.old', content: '' }, { path: 'opt/new', content: 'new' }),
    ].map((tar, number) => {
      const bytes = gzipSync(tar)
      const path = join(folder, `${architecture}-${number}.tar.gz`)
      mkdirSync(folder, { recursive: true })
      execFileSync('tee', [path], { input: bytes, stdio: ['pipe', 'ignore', 'inherit'] })
      const descriptor = { mediaType: MEDIA_TYPES.layerGzip, digest: digestOf(bytes), size: bytes.length }
      return { layer: { descriptor, diffId: digestOf(tar) }, blob: { descriptor, segments: [{ path }] } }
    })
    const config = { platform: platformOfDebian(architecture), created: '2026-01-02T03:04:05Z', config: {} }
    return {
      image: composeImage({ config, layers: layers.map(({ layer }) => layer) }),
      blobs: layers.map(({ blob }) => blob),
    }
  })
  return composeIndex(
    made.map(({ image }) => image),
    segmentBlobs(made.flatMap(({ blobs }) => blobs)),
  )
}

test('paths of another image are taken in by its digest, from layout or registry, then from the cache', async (t) => {
  const place = await openWorkplace(t)
  const source = toolImage(join(place.folder, 'layers'))
  const { digest } = source.top.descriptor
  await writeLayout(join(place.folder, 'tools'), source, 'tools')
  const registry = await openRegistry(t)
  await pushImage(source, { transport: 'docker', registry, repository: 'team/tools', tag: '1' })

  const entries = (reference: string) => [
    `{ path: /usr/local/bin/tool, image: "${reference}@${digest}", from-path: /usr/bin/alias }`,
    `{ path: /opt/tools, image: "${reference}@${digest}", from-path: /opt, exclude: [su] }`,
  ]
  place.write('casemate.yaml', withPaths(...entries('oci:tools:tools')))
  const first = await place.build()
  const tree = lastLayer(place, first)
  assert.equal(tree['/usr/local/bin/tool'], '-rwxr-xr-x 3/4 13', 'links lead inside the image, of its platform')
  assert.deepEqual(only(tree, '/opt/tools/'), {
    '/opt/tools/kept': '-rw------- 0/0 4',
    '/opt/tools/new': '-rw-r--r-- 0/0 3',
  })

  await t.test('another place and the cache give the same image', async () => {
    rmSync(join(place.folder, 'tools'), { recursive: true })
    assert.equal(await place.digest(['--offline']), first.digest)
    place.write('casemate.yaml', withPaths(...entries(`${registry}/team/tools:1`)))
    rmSync(join(place.folder, 'cache/casemate/objects'), { recursive: true })
    assert.equal(await place.digest(), first.digest)
    const explained = await place.run(['explain', '.', '/opt/tools/new'])
    assert.match(explained.stdout, new RegExp(`taken in +from ${registry}/team/tools:1, /opt \\(${digest}\\)`))
  })

  const refusals: readonly [string, RegExp][] = [
    [
      `{ path: /opt/su, image: "oci:../x@${digest}", from-path: /opt/su }`,
      /\/opt\/su has the mode 4755, .* say with `mode`/,
    ],
    [`{ path: /x, image: "oci:x@${digest}", from-path: /opt/ol }`, /it has no \/opt\/ol; \/opt\/ has kept, new, su/],
    [
      `{ path: /x, image: "oci:x@${digest}", from-path: /opt, include: [old] }`,
      /nothing in \/opt\/ matches `include: old`/,
    ],
    [
      `{ path: /x, image: "oci:x@${digest}", from-path: /usr/bin }`,
      /the link \/usr\/bin\/alias to .* leads out of|exclude it/,
    ],
    [`{ path: /x, image: "oci:x@sha256:${'0'.repeat(64)}", from-path: / }`, /cannot open oci:.*x: there is no/],
  ]
  for (const [entry, words] of refusals) {
    await t.test(entry, async () => {
      place.write('casemate.yaml', withPaths(entry))
      const refused = await place.run(['build', '.', '-o', 'oci:refused:x'])
      assert.notEqual(refused.status, 0)
      assert.match(refused.stderr, words)
    })
  }
})

/** Checks that every format of the SBOM says where a tool and paths of an image are from. */
async function checkSbom(
  place: Workplace,
  { reference, url, sha256, image }: { reference: string; url: string; sha256: string; image: string },
): Promise<void> {
  const run = async (format: string) => {
    const sbom = await place.run(['sbom', reference, '--definition', '.', '--format', format])
    assert.equal(sbom.status, 0, sbom.stderr)
    return sbom.stdout
  }
  const spdx = JSON.parse(await run('spdx'))
  const found = (name: string) => spdx.packages.find((one: { name: string }) => one.name === `taken in: ${name}`)
  assert.deepEqual(
    [found('/usr/local/bin/tool').downloadLocation, found('/usr/local/bin/tool').checksums[0].checksumValue],
    [`${url}/tool`, sha256],
  )
  const [name = '', digest = ''] = image.split('@')
  const purl = `pkg:oci/tools@${encodeURIComponent(digest)}?repository_url=${encodeURIComponent(name)}`
  assert.deepEqual(found('/opt/tools').externalRefs[0].referenceLocator, purl)
  assert.match(found('/opt/tools').annotations[0].comment, /^files:\n\/opt\/tools\/new$/)
  const cyclonedx = JSON.parse(await run('cyclonedx'))
  const components = cyclonedx.components.filter((one: { name: string }) => one.name.startsWith('taken in: '))
  assert.deepEqual(
    components.map((one: { externalReferences: { url: string }[] }) => one.externalReferences[0]?.url),
    [purl, `${url}/tool`],
  )
  assert.match(await run('text'), new RegExp(`taken in +/usr/local/bin/tool, from ${url}/tool`))
}

test('what was taken in is told with the image, and it is built again from its recipe and a store alone', async (t) => {
  const place = await openWorkplace(t)
  const registry = await openRegistry(t)
  const source = toolImage(join(place.folder, 'layers'))
  const { digest } = source.top.descriptor
  await pushImage(source, { transport: 'docker', registry, repository: 'team/tools', tag: '1' })
  const tool = Buffer.from('#!/usr/bin/greet\n')
  const sha256 = hexOf(digestOf(tool))
  const { url, requests } = await webServer(t, { '/tool': tool })
  place.write('app/bin/run', 'run')
  place.write('app/notes', 'left out')
  chmodSync(join(place.folder, 'app/bin/run'), 0o755)
  symlinkSync('bin/run', join(place.folder, 'app/start'))
  const image = `${registry}/team/tools@${digest}`
  place.write(
    'casemate.yaml',
    withPaths(
      `{ path: /usr/local/bin/tool, url: "${url}/tool", sha256: ${sha256}, mode: "0755" }`,
      `{ path: /opt/tools, image: "${image}", from-path: /opt, include: [new] }`,
      '{ path: /srv/app, source: app, include: [bin, start] }',
      '{ path: /opt/tools/own, content: own }',
    ),
  )
  const secret = { env: { COSIGN_PASSWORD: 'secret' } }
  const made = await place.run(['keygen'], secret)
  assert.equal(made.status, 0, made.stderr)
  assert.equal((await place.run(['lock', '.'])).status, 0)
  const reference = `${registry}/team/greeting:1`
  const built = await place.build(['-o', `docker://${reference}`, '--key', 'casemate.key'], secret)

  await t.test('the SBOM says of each where it is from', () => checkSbom(place, { reference, url, sha256, image }))
  const kept = await place.run(['store', 'keep', reference, '--dir', 'kept', '--key', 'casemate.pub', '--json'])
  assert.equal(kept.status, 0, kept.stderr)
  const names = JSON.parse(kept.stdout).objects.map((one: { what: string }) => one.what)
  assert.ok(names.includes(`${url}/tool`) && names.includes(image), names.join(', '))
  for (const gone of ['cache', 'casemate.yaml', 'casemate.lock', 'app', 'out', 'layers']) place.remove(gone)
  rmSync(place.archive.folder, { recursive: true })
  requests.length = 0
  const again = await place.run([
    'reproduce',
    reference,
    '--key',
    'casemate.pub',
    '--store',
    'kept',
    '--offline',
    '--json',
  ])
  assert.equal(again.status, 0, again.stdout + again.stderr)
  assert.equal(JSON.parse(again.stdout).compared[0].got, built.digest)
  assert.deepEqual(requests, [])
})
