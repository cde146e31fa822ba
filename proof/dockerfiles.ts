import { readFileSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Cleanup, dockerRegistry } from '../src/oci/io/fixtures.test.ts'
import { reachRegistries, trust } from './parts/build-trust.ts'
import { runOrThrow, runProgram } from './parts/command.ts'
import { DOCKERFILE_APPLICATIONS } from './parts/dockerfile-applications.ts'
import { LIMITS } from './parts/podman.ts'

const CLI = [process.execPath, '--conditions=source', join(import.meta.dirname, '../src/cli/main.ts')]

/** Those whose program says something and ends. */
const CASES = DOCKERFILE_APPLICATIONS.flatMap(({ says, ...one }) => (says === undefined ? [] : [{ ...one, says }]))
type Case = (typeof CASES)[number]

/**
 * Multi-stage Dockerfiles of a few lines, each built by buildah on catalogue images in a local registry and run by podman on
 * a read-only root without capabilities. Holds when each program says what it should. Arguments are the names of cases; all
 * unless given. Needs root, buildah and podman, and the registries of the languages.
 */
export async function run(only: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const ends: (() => unknown)[] = []
  const cleanup: Cleanup = { after: (end) => ends.unshift(end) }
  const lines: string[] = []
  let holds = true
  try {
    const registry = (await dockerRegistry(cleanup)).replace(/^https?:\/\//, '')
    const folder = await mkdtemp(join(tmpdir(), 'casemate-dockerfiles-'))
    cleanup.after(() => rm(folder, { recursive: true, force: true }))
    for (const one of CASES.filter(({ name }) => only.length === 0 || only.includes(name))) {
      const { good, line } = await tryCase(one, registry, folder)
      holds &&= good
      lines.push(`${good ? 'ok ' : 'NOT'} ${one.name.padEnd(7)} ${line}`)
      console.error(lines.at(-1))
    }
  } finally {
    for (const end of ends) await end()
  }
  return { holds: holds && lines.length > 0, lines }
}

async function tryCase({ name, folder: from, images, says }: Case, registry: string, folder: string) {
  for (const image of images) {
    const [definition = '', variant = ''] = image.split(':')
    const output = `docker://${registry}/${definition}:${variant}`
    const options = ['--variant', variant, '--platform', 'linux/amd64', '-o', output, '--json']
    await runOrThrow([...CLI, 'build', definition, ...options])
  }
  const context = join(folder, name)
  await cp(from, context, { recursive: true })
  await reachRegistries(name, context)
  const tag = `localhost/casemate-dockerfiles-${name}`
  const start = performance.now()
  const built = await runProgram([
    ...['buildah', 'build', '--isolation=chroot', '--tls-verify=false', '--network=host', '--pull-always'],
    ...['--build-arg', `REGISTRY=${registry}`, ...trust(), '--tag', tag, context],
  ])
  if (built.status !== 0)
    return { good: false, line: `buildah ended with ${built.status}: ${built.stderr.slice(-1500)}` }
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const options = ['--rm', '--read-only', '--cap-drop=ALL', '--network=none', ...LIMITS]
  const ran = await runProgram(['podman', '--runtime=runc', 'run', ...options, tag])
  await runProgram(['buildah', 'rmi', '--force', tag])
  const good = ran.status === 0 && says.test(ran.stdout.trim())
  const stages = readFileSync(join(context, 'Dockerfile'), 'utf8').match(/^FROM/gm)?.length
  return { good, line: `${stages} stages built in ${seconds} s; it says: ${ran.stdout.trim() || ran.stderr.trim()}` }
}
