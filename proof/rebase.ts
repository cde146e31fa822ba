import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { canonicalJson } from '#core'
import { type ImageFile, openImage, parseReference, readImageFiles } from '#oci'
import { RegistryServer } from '#oci/registry'
import { median } from '../bench/process.ts'
import { timeRebase } from '../bench/rebase-time.ts'
import { reachRegistries, trust } from './parts/build-trust.ts'
import { runOrThrow, runProgram } from './parts/command.ts'
import { DOCKERFILE_APPLICATIONS, type DockerfileApplication } from './parts/dockerfile-applications.ts'
import { layArchiveWithout } from './parts/older-archive.ts'
import { LIMITS } from './parts/podman.ts'

const CLI = [process.execPath, '--conditions=source', join(import.meta.dirname, '../src/cli/main.ts')]
const LIMIT_MS = 60
/** A factory runs for long: the first rounds, in which code is compiled, do not count. */
const ROUNDS = 60
const COUNTED = 30

/** Those that are rebased. */
const NAMES = ['python', 'node', 'go', 'java', 'nginx']
const APPLICATIONS = DOCKERFILE_APPLICATIONS.filter(({ name }) => NAMES.includes(name))

/** Where everything of a run is. */
interface Workplace {
  readonly folder: string
  readonly archive: string
  readonly registry: string
}

/** What the proof found of one application. */
interface Found {
  readonly holds: boolean
  readonly line: string
}

/**
 * Five applications, built by buildah on bases without the security and updates suites, and the same again on today's: the first
 * are rebased onto today's, in our registry. Holds when each has, file by file and times left aside, what the second has,
 * with the same settings, and runs; when an application with a file of its own in place of one that changed is refused; and when a
 * rebase in the registry, with all that is known of layers at hand, takes no longer than the issue's limit. The stage that builds is
 * run once, for compilers write times and names. Arguments are names of applications. Needs root, buildah, podman, the
 * registries of the languages.
 */
export async function run(only: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-rebase-'))
  const server = await RegistryServer.start(join(folder, 'registry'), {
    host: '127.0.0.1',
    port: 0,
    onError: console.error,
  })
  try {
    const archive = layArchiveWithout(folder, ['trixie-security', 'trixie-updates'])
    const place = { folder, archive, registry: server.address }
    const found: Found[] = []
    for (const one of APPLICATIONS.filter(({ name }) => only.length === 0 || only.includes(name))) {
      found.push(...(await prove(one, place)))
      console.error(found.at(-1)?.line)
    }
    return { holds: found.length > 0 && found.every(({ holds }) => holds), lines: found.map(({ line }) => line) }
  } finally {
    await server.close(1000)
    rmSync(folder, { recursive: true, force: true })
  }
}

async function prove(application: DockerfileApplication, place: Workplace): Promise<readonly Found[]> {
  const { name, images } = application
  await buildBases(images, place)
  const context = await contextOf(application, place)
  const base = images[1].split(':')[0] ?? ''
  const [old, next] = ['old', 'new'].map((age) => `${place.registry}/${base}:${age}`)
  if (old === undefined || next === undefined) throw new Error('cannot name the bases')
  const made = await buildOn(context, { name: `${name}-old`, base: old, place })
  const rebuilt = await buildOn(context, { name: `${name}-new`, base: next, place })
  const target = `docker://${place.registry}/app/${name}:rebased`
  const args = [
    'rebase',
    made,
    '--base',
    `docker://${old}`,
    '--onto',
    `docker://${next}`,
    '--allow-unsigned',
    '-o',
    target,
    '--json',
  ]
  const { status, stdout, stderr } = await runProgram([...CLI, ...args])
  if (status !== 0) return [{ holds: false, line: `NOT ${name}: not rebased: ${stdout}${stderr}` }]
  const [platform] = JSON.parse(stdout).platforms
  const [ours, theirs] = [await treeOf(target), await treeOf(rebuilt)]
  const differing = differences(ours.files, theirs.files)
  const settings = ours.settings === theirs.settings
  const ran = await runs(application, target)
  const holds = differing.length === 0 && settings && ran.holds
  const packages = platform.packages.map((one: { name: string }) => one.name).join(' ')
  const line = [
    `${holds ? 'ok ' : 'NOT'} ${name.padEnd(7)} ${ours.files.size} files, ${differing.length} other than built anew; settings ${settings ? 'the same' : `${ours.settings} | ${theirs.settings}`};`,
    `${platform.packages.length} packages others (${packages.slice(0, 90)}); ${ran.says}`,
    ...differing.slice(0, 5),
  ].join(' ')
  const refused = await refusal(application, context, { old, next, place })
  await runProgram(['buildah', 'rmi', '--force', artifactOf(name)])
  return [{ holds, line }, refused, await timed(name, { made, old, next })]
}

/** Builds the images of an application's build stage and base: as old, and the base as it is today. */
async function buildBases(
  [builder, base]: DockerfileApplication['images'],
  { folder, archive, registry }: Workplace,
): Promise<void> {
  for (const [image, age] of [
    [builder, 'builder'],
    [base, 'old'],
    [base, 'new'],
  ] as const) {
    const [definition = '', variant = ''] = image.split(':')
    const file = join(folder, `${definition}.yaml`)
    writeFileSync(file, `image: ${definition}\narchive: ${archive}\nextends: ${definition}\n`)
    const from = age === 'new' ? definition : file
    const options = [
      '--variant',
      variant,
      '--platform',
      'linux/amd64',
      '-o',
      `docker://${registry}/${definition}:${age}`,
      '--json',
    ]
    await runOrThrow([...CLI, 'build', from, ...options])
  }
}

/** The folder that an application is built in; its first stage is built here, once, and the Dockerfile begins behind it. */
async function contextOf(
  { name, folder, images: [builder] }: DockerfileApplication,
  { folder: work, registry }: Workplace,
): Promise<string> {
  const context = join(work, name)
  if (name === 'nginx') {
    mkdirSync(join(context, 'site/css'), { recursive: true })
    await writeFile(join(context, 'site/index.html'), '<h1>ours</h1>\n')
    await writeFile(join(context, 'site/css/style.css'), 'h1 { color: teal }\n')
    await writeFile(
      join(context, 'Dockerfile'),
      'ARG BASE\nFROM ${BASE}\nCOPY site /usr/share/nginx/html/ours\nLABEL team=web\n',
    )
    return context
  }
  await cp(folder, context, { recursive: true })
  await reachRegistries(name, context)
  const text = await readFile(join(context, 'Dockerfile'), 'utf8')
  const [, stage = '', final = ''] = text.split(/^FROM /m)
  const artifact = artifactOf(name)
  const first = `FROM ${registry}/${builder.split(':')[0]}:builder\n${stage.slice(stage.indexOf('\n') + 1)}`
  await writeFile(join(context, 'Dockerfile.build'), first)
  await buildah(context, ['--file', join(context, 'Dockerfile.build'), '--tag', artifact])
  const rest = final.slice(final.indexOf('\n') + 1)
  await writeFile(join(context, 'Dockerfile'), `ARG BASE\nFROM ${artifact} AS build\nFROM \${BASE}\n${rest}`)
  return context
}

/** What the image of a build stage is called. */
function artifactOf(name: string): string {
  return `localhost/casemate-rebase-${name}`
}

async function buildah(context: string, args: readonly string[]): Promise<void> {
  await runOrThrow([
    'buildah',
    'build',
    '--isolation=chroot',
    '--tls-verify=false',
    '--network=host',
    ...trust(),
    ...args,
    context,
  ])
}

/** Builds an application on a base, pushes it and gives its reference. */
async function buildOn(
  context: string,
  { name, base, place }: { readonly name: string; readonly base: string; readonly place: Workplace },
): Promise<string> {
  const target = `docker://${place.registry}/app/${name}:latest`
  const tag = `localhost/casemate-rebase-${name}`
  await buildah(context, ['--build-arg', `BASE=${base}`, '--tag', tag])
  await runOrThrow(['buildah', 'push', '--tls-verify=false', tag, target])
  await runProgram(['buildah', 'rmi', '--force', tag])
  return target
}

/** An application that has a file of its own where the base has one that changed. */
async function refusal(
  { name }: DockerfileApplication,
  context: string,
  { old, next, place }: { readonly old: string; readonly next: string; readonly place: Workplace },
): Promise<Found> {
  const [before, after] = [await treeOf(`docker://${old}`), await treeOf(`docker://${next}`)]
  const [path] = [...before.files]
    .filter(([one, what]) => what.startsWith('file') && after.files.get(one) !== what)
    .map(([one]) => one)
    .filter((one) => one !== '/var/lib/dpkg/status')
    .sort()
  if (path === undefined) return { holds: false, line: `NOT ${name}: nothing changed between the bases` }
  await writeFile(join(context, 'own-file'), 'ours\n')
  const text = await readFile(join(context, 'Dockerfile'), 'utf8')
  await writeFile(join(context, 'Dockerfile'), `${text}COPY own-file ${path}\n`)
  const made = await buildOn(context, { name: `${name}-own`, base: old, place })
  const args = [
    'rebase',
    made,
    '--base',
    `docker://${old}`,
    '--onto',
    `docker://${next}`,
    '--allow-unsigned',
    '--check',
    '--json',
  ]
  const { status, stdout, stderr } = await runProgram([...CLI, ...args])
  if (stdout === '') return { holds: false, line: `NOT ${name}: the check ended with ${status}: ${stderr}` }
  const refusals: readonly { code: string; subject: string; base: string }[] = JSON.parse(stdout).platforms[0].refusals
  const holds = status === 1 && refusals.some(({ code, subject }) => code === 'path-both-sides' && subject === path)
  const words = refusals.map(({ code, subject }) => `${code} ${subject}`).join(', ')
  return { holds, line: `${holds ? 'ok ' : 'NOT'} ${name.padEnd(7)} with its own ${path}: refused: ${words}` }
}

/** In a process that runs for long, what is known of layers and connections at hand: finding the images, planning, pushing. */
async function timed(name: string, images: Parameters<typeof timeRebase>[0]): Promise<Found> {
  return timing(name, await timeRebase(images, { rounds: ROUNDS, counted: COUNTED }))
}

/** On a machine that is busy with other things, a wall clock says how busy it is: then the processor's time counts, and the line says so. */
function timing(
  name: string,
  {
    times,
    processor,
    sent,
  }: { readonly times: readonly number[]; readonly processor: readonly number[]; readonly sent: number },
): Found {
  const [load = 0] = loadavg()
  const isBusy = load > cpus().length
  const [wall, own] = [median(times), median(processor)]
  const holds = (isBusy ? own : wall) <= LIMIT_MS
  const counts = isBusy ? `the machine is busy, load ${load.toFixed(0)}, so processor time counts` : 'wall clock counts'
  const numbers = `${wall.toFixed(0)} ms, of the processor ${own.toFixed(0)} ms, server among it (medians of ${times.length}; limit ${LIMIT_MS}; ${counts})`
  return {
    holds,
    line: `${holds ? 'ok ' : 'NOT'} ${name.padEnd(7)} rebased in the registry in ${numbers}; ${sent} bytes sent`,
  }
}

async function treeOf(
  reference: string,
): Promise<{ readonly files: ReadonlyMap<string, string>; readonly settings: string }> {
  const image = await openImage(parseReference(reference), { platform: { os: 'linux', architecture: 'amd64' } })
  try {
    const files = await readImageFiles(image.layers, { wants: () => false, hashes: true })
    return {
      files: new Map([...files.entries()].map((file) => [file.path, lineOf(file)])),
      settings: canonicalJson({ ...image.config.config }),
    }
  } finally {
    await image.close()
  }
}

/** Everything but times. */
function lineOf({ type, mode, uid, gid, target, digest, xattrs }: ImageFile): string {
  const attributes = [...xattrs].map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`).sort()
  return [type, mode.toString(8), uid, gid, target, digest, ...attributes].join(' ')
}

function differences(ours: ReadonlyMap<string, string>, theirs: ReadonlyMap<string, string>): readonly string[] {
  const paths = [...new Set([...ours.keys(), ...theirs.keys()])].sort()
  return paths
    .filter((path) => ours.get(path) !== theirs.get(path))
    .map((path) => `${path}: ${ours.get(path)} | ${theirs.get(path)}`)
}

async function runs(
  { says }: DockerfileApplication,
  target: string,
): Promise<{ readonly holds: boolean; readonly says: string }> {
  const options = ['--rm', '--read-only', '--cap-drop=ALL', '--network=none', '--tls-verify=false', ...LIMITS]
  const command = says === undefined ? ['-t'] : []
  const ran = await runProgram(['podman', '--runtime=runc', 'run', ...options, '--tmpfs=/tmp', target, ...command])
  const text = (ran.stdout.trim() || ran.stderr.trim()).split('\n').at(-1) ?? ''
  return { holds: ran.status === 0 && (says ?? /test is successful/).test(text), says: `it says: ${text}` }
}
