import { randomUUID } from 'node:crypto'
import { posix } from 'node:path'
import { SandboxError } from '../errors.ts'
import type { ImageTest } from '../image-test.ts'
import { EMULATOR_PATH, HELPER_PATH, type LaunchSpec } from '../sandbox.ts'
import type { ContainerFiles } from './container-files.ts'
import { accountOf, type PreparedImage } from './prepared-image.ts'

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** What a test's container is made of, or why it cannot start at all, which is an answer. */
export type LaunchPlan =
  | { readonly kind: 'launch'; readonly spec: LaunchSpec }
  | { readonly kind: 'not-started'; readonly reason: string }

/** Decides what a test runs, as whom, and with what environment. Throws `IMAGE_USER_UNKNOWN`. */
export function planLaunch(image: PreparedImage, test: ImageTest): LaunchPlan {
  const { contract, files, rootfs, writable, rootIsWritable, emulator } = image
  const account = accountOf(files, test.user ?? `${contract.user.uid}:${contract.user.gid}`)
  const environment = {
    PATH: DEFAULT_PATH,
    HOME: account.home ?? '/',
    ...contract.environment,
    ...test.environment,
  }
  const [name, ...args] = argvOf(image, test)
  if (name === undefined) return { kind: 'not-started', reason: 'the image has neither entrypoint nor cmd' }
  const program = locateProgram(image, test, { name, searchPath: environment.PATH, workDir: contract['work-dir'] })
  if (program === undefined) return { kind: 'not-started', reason: `the image has no program "${name}"` }
  const spec: LaunchSpec = {
    directory: rootfs.directory,
    root: rootfs.root,
    ...(rootIsWritable && { rootIsWritable }),
    id: `casemate-${randomUUID()}`,
    argv: emulator?.path ? [EMULATOR_PATH, '-0', name, program, ...args] : [name, ...args],
    environment,
    workDir: contract['work-dir'],
    stdin: test.stdin,
    user: { uid: account.uid, gid: account.gid },
    writable,
    network: test.network,
    ...(test.helper && { helper: helperOf(image, test.helper).rootfs.root }),
    ...(test.memory && { memory: test.memory }),
    ...(emulator?.path && { emulator: emulator.path }),
  }
  return { kind: 'launch', spec }
}

function argvOf({ contract }: PreparedImage, { program }: ImageTest): readonly string[] {
  if (program.kind === 'none') return []
  if (program.kind === 'command') return program.argv
  return [...contract.entrypoint, ...(program.args ?? contract.cmd)]
}

/** The image of a reference that a test names. Throws `HELPER_MISSING`. */
export function helperOf({ helpers }: PreparedImage, reference: string): PreparedImage {
  const found = helpers.get(reference)
  if (found) return found
  throw new SandboxError('HELPER_MISSING', `cannot use helper image ${reference}: it was not opened`)
}

/** A program of the image, or, below `HELPER_PATH`, of the helper. */
function locateProgram(image: PreparedImage, { helper }: ImageTest, sought: SoughtProgram): string | undefined {
  if (helper === undefined || !sought.name.startsWith(`${HELPER_PATH}/`)) return findProgram(image.files, sought)
  const found = findProgram(helperOf(image, helper).files, { ...sought, name: sought.name.slice(HELPER_PATH.length) })
  return found && `${HELPER_PATH}${found}`
}

interface SoughtProgram {
  readonly name: string
  readonly searchPath: string
  readonly workDir: string
}

/** As execvp(3) looks for it. */
function findProgram(files: ContainerFiles, { name, searchPath, workDir }: SoughtProgram): string | undefined {
  const places = name.includes('/') ? [name] : searchPath.split(':').map((directory) => posix.join(directory, name))
  return places
    .map((place) => posix.resolve(workDir, place))
    .find((place) => {
      const found = files.state(place)
      return found?.type === 'file' && (found.mode & 0o111) !== 0
    })
}
