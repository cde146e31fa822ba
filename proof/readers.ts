import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openImage, parseReference } from '#oci'
import { type Cleanup, dockerRegistry } from '../src/oci/io/fixtures.test.ts'

const CLI = join(import.meta.dirname, '../src/cli/main.ts')
const DEFINITION = 'busybox'
const PLATFORMS = 'linux/amd64,linux/arm64'

/** Where the image lies in each form, and what it is. */
interface Place {
  readonly folder: string
  /** `HOST:PORT` of a registry. */
  readonly registry: string
  readonly digest: string
  readonly diffIds: string
}

/** One reader on one form; `read` gives what it found, which must be what `want` says. */
interface Check {
  readonly reader: string
  readonly form: string
  readonly read: (place: Place) => Promise<string>
  readonly want: 'digest' | 'diffIds' | 'user' | 'valid'
}

/**
 * Builds the catalogue's busybox image into every output form by the command line, and has skopeo, podman, umoci and
 * crane read each. Holds when every reader finds the layers, the digest or the running user that the image has.
 * `crane` is not in Debian 12; it must be on the PATH.
 */
export async function run(): Promise<{ holds: boolean; lines: string[] }> {
  const ends: (() => unknown)[] = []
  const cleanup: Cleanup = { after: (end) => ends.unshift(end) }
  // podman makes an image's name of a layout's path, and names are lower case.
  const folder = join(tmpdir(), `casemate-readers-${process.pid}`)
  await mkdir(folder)
  cleanup.after(() => rm(folder, { recursive: true, force: true }))
  try {
    const place = await buildAll(folder, await dockerRegistry(cleanup))
    const lines = [await versions(), `image ${place.digest}`]
    let holds = true
    for (const check of CHECKS) {
      const { good, found } = await judge(check, place)
      holds &&= good
      lines.push(`${good ? 'ok ' : 'NOT'} ${check.reader.padEnd(7)} ${check.form.padEnd(38)} ${found}`)
    }
    return { holds, lines }
  } finally {
    for (const end of ends) await end()
  }
}

async function buildAll(folder: string, registry: string): Promise<Place> {
  const single = [
    `oci:${folder}/layout:app`,
    `oci-archive:${folder}/oci.tar:app`,
    `docker-archive:${folder}/docker.tar:test/app:1`,
  ]
  await build('linux/amd64', [...single, `docker://${registry}/app:1`])
  await build(PLATFORMS, [
    `oci:${folder}/multi:app`,
    `oci-archive:${folder}/multi.tar:app`,
    `docker://${registry}/multi:1`,
  ])
  await mkdir(join(folder, 'untarred'))
  await command('tar', '-xf', `${folder}/oci.tar`, '-C', `${folder}/untarred`)
  const storage = { driver: 'vfs', graphroot: join(folder, 'graph'), runroot: join(folder, 'run') }
  const settings = Object.entries(storage).map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
  await writeFile(join(folder, 'storage.conf'), ['[storage]', ...settings].join('\n'))
  const opened = await openImage(parseReference(`oci:${folder}/layout:app`))
  return { folder, registry, digest: opened.top.descriptor.digest, diffIds: opened.config.diffIds.join(' ') }
}

async function build(platforms: string, outputs: readonly string[]): Promise<void> {
  const references = outputs.flatMap((output) => ['-o', output])
  await command(
    process.execPath,
    '--conditions=source',
    CLI,
    'build',
    DEFINITION,
    '--platform',
    platforms,
    ...references,
  )
}

async function judge(check: Check, place: Place): Promise<{ good: boolean; found: string }> {
  const wanted = { digest: place.digest, diffIds: place.diffIds, user: '65532', valid: 'valid' }[check.want]
  try {
    const found = await check.read(place)
    const shown = check.want === 'diffIds' ? `${found.split(' ').length} layers by diff id` : found
    return found === wanted ? { good: true, found: shown } : { good: false, found: `${found}, wanted ${wanted}` }
  } catch (error) {
    return { good: false, found: error instanceof Error ? error.message.trim().replaceAll('\n', ' ') : String(error) }
  }
}

const CHECKS: readonly Check[] = [
  skopeo('oci', (place) => `oci:${place.folder}/layout:app`),
  skopeo('oci-archive', (place) => `oci-archive:${place.folder}/oci.tar:app`),
  skopeo('docker-archive', (place) => `docker-archive:${place.folder}/docker.tar`),
  skopeo('registry', (place) => `docker://${place.registry}/app:1`),
  skopeoAll('oci, every platform', (place) => `oci:${place.folder}/multi:app`),
  skopeoAll('oci-archive, every platform', (place) => `oci-archive:${place.folder}/multi.tar:app`),
  skopeoAll('registry, every platform', (place) => `docker://${place.registry}/multi:1`),
  ...podman('oci', (place) => ['pull', '--quiet', `oci:${place.folder}/layout:app`]),
  ...podman('oci-archive', (place) => ['pull', '--quiet', `oci-archive:${place.folder}/oci.tar`]),
  ...podman('docker-archive', (place) => ['pull', '--quiet', `docker-archive:${place.folder}/docker.tar`]),
  ...podman('registry', (place) => ['pull', '--quiet', '--tls-verify=false', `${place.registry}/app:1`]),
  umoci('oci', async (place) => `${place.folder}/layout:app`),
  umoci('oci-archive, untarred', async (place) => `${place.folder}/untarred:app`),
  umoci('docker-archive, by skopeo copy', (place) =>
    asLayout(place, `docker-archive:${place.folder}/docker.tar`, 'fromdocker'),
  ),
  umoci('registry, by skopeo copy', (place) => asLayout(place, `docker://${place.registry}/app:1`, 'fromregistry')),
  {
    reader: 'crane',
    form: 'oci, pushed on',
    want: 'digest',
    read: (place) => cranePush(place, 'layout'),
  },
  {
    reader: 'crane',
    form: 'oci-archive, untarred, pushed on',
    want: 'digest',
    read: (place) => cranePush(place, 'untarred'),
  },
  {
    reader: 'crane',
    form: 'docker-archive, validate',
    want: 'valid',
    read: (place) => validated('--tarball', `${place.folder}/docker.tar`),
  },
  {
    reader: 'crane',
    form: 'registry, validate',
    want: 'valid',
    read: (place) => validated('--remote', `${place.registry}/app:1`),
  },
  {
    reader: 'crane',
    form: 'registry, every platform, validate',
    want: 'valid',
    read: (place) => validated('--remote', `${place.registry}/multi:1`),
  },
  {
    reader: 'crane',
    form: 'registry, digest',
    want: 'digest',
    read: async (place) => (await command('crane', 'digest', `${place.registry}/app:1`)).trim(),
  },
]

function skopeo(form: string, reference: (place: Place) => string): Check {
  const read = async (place: Place) => {
    const config: unknown = JSON.parse(
      await command('skopeo', 'inspect', '--tls-verify=false', '--config', reference(place)),
    )
    await command('skopeo', 'copy', '--src-tls-verify=false', reference(place), `dir:${place.folder}/skopeo-${form}`)
    return diffIdsIn(config, 'rootfs', 'diff_ids')
  }
  return { reader: 'skopeo', form, read, want: 'diffIds' }
}

function skopeoAll(form: string, reference: (place: Place) => string): Check {
  const read = async (place: Place) => {
    const target = `oci:${place.folder}/all-${form.split(',')[0]}:app`
    await command('skopeo', 'copy', '--all', '--preserve-digests', '--src-tls-verify=false', reference(place), target)
    return 'valid'
  }
  return { reader: 'skopeo', form, read, want: 'valid' }
}

/** Pulls into a storage of its own, looks at the layers, and runs the image. */
function podman(form: string, pull: (place: Place) => readonly string[]): readonly Check[] {
  const call = (place: Place, ...args: readonly string[]) =>
    command('env', `CONTAINERS_STORAGE_CONF=${place.folder}/storage.conf`, 'podman', '--runtime=runc', ...args)
  const read = async (place: Place) => {
    const id = (await call(place, ...pull(place))).trim()
    const inspected: unknown = JSON.parse(await call(place, 'image', 'inspect', id))
    return diffIdsIn(Array.isArray(inspected) ? inspected[0] : undefined, 'RootFS', 'Layers')
  }
  const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024', '--network', 'none']
  const runs = async (place: Place) => {
    const id = (await call(place, ...pull(place))).trim()
    const user = (await call(place, 'run', '--rm', ...limits, '--entrypoint', '/bin/busybox', id, 'id', '-u')).trim()
    // The next form must bring its own image, not find this one.
    await call(place, 'rmi', '--force', id)
    return user
  }
  return [
    { reader: 'podman', form, read, want: 'diffIds' },
    { reader: 'podman', form: `${form}, run as its user`, read: runs, want: 'user' },
  ]
}

function umoci(form: string, layout: (place: Place) => Promise<string>): Check {
  const read = async (place: Place) => {
    const bundle = await mkdtemp(join(place.folder, 'bundle-'))
    await command('umoci', 'unpack', '--rootless', '--image', await layout(place), `${bundle}/it`)
    await command('test', '-x', `${bundle}/it/rootfs/usr/bin/busybox`)
    return 'valid'
  }
  return { reader: 'umoci', form, read, want: 'valid' }
}

async function asLayout(place: Place, source: string, name: string): Promise<string> {
  await command('skopeo', 'copy', '--src-tls-verify=false', source, `oci:${place.folder}/${name}:app`)
  return `${place.folder}/${name}:app`
}

/** crane takes a layout's folder by pushing it: it must arrive under the same digest. */
async function cranePush(place: Place, layout: string): Promise<string> {
  const pushed = await command(
    'crane',
    'push',
    '--index',
    `${place.folder}/${layout}`,
    `${place.registry}/crane-${layout}:1`,
  )
  // crane pushes index.json itself as the index; what it lists is the image.
  const index: unknown = JSON.parse(await command('crane', 'manifest', pushed.trim()))
  return /sha256:[0-9a-f]{64}/.exec(JSON.stringify(index))?.[0] ?? 'no digest'
}

async function validated(kind: string, reference: string): Promise<string> {
  const words = await command('crane', 'validate', kind, reference)
  return words.startsWith('PASS') ? 'valid' : words
}

/** The list of digests that stands in a tool's JSON at `outer.inner`. */
function diffIdsIn(value: unknown, outer: string, inner: string): string {
  const members = new Map<string, unknown>(Object.entries(Object(value)))
  const list = new Map<string, unknown>(Object.entries(Object(members.get(outer)))).get(inner)
  return Array.isArray(list) ? list.join(' ') : 'no layers'
}

async function versions(): Promise<string> {
  const asked = [
    ['skopeo', '--version'],
    ['podman', '--version'],
    ['umoci', '--version'],
    ['crane', 'version'],
  ] as const
  const told = asked.map(
    async ([program, flag]) => `${program} ${/\d+\.\d+\.\d+/.exec(await command(program, flag))?.[0]}`,
  )
  return (await Promise.all(told)).join(', ')
}

async function command(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(program, [...args], { maxBuffer: 2 ** 26 })
  return stdout === '' ? stderr : stdout
}
