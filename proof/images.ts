import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { catalogueImages } from './parts/catalogue.ts'
import { runProgram } from './parts/command.ts'
import { runPrograms } from './parts/programs.ts'
import { type Tried, tryNginx, tryTerminal } from './parts/services.ts'

const CLI = [process.execPath, '--conditions=source', join(import.meta.dirname, '../src/cli/main.ts')]
/** Images at a time: tests of servers mostly wait. */
const LANES = 3
/** The engine's own images, which every sandbox has to run. */
const ENGINE = ['base', 'busybox', 'cc', 'debian', 'nginx', 'python', 'static']
/** What engines try. */
const TRIED = ['nginx runtime', 'debian runtime', 'static runtime', 'base runtime', 'cc runtime', 'cc dev'].map((one) =>
  one.split(' '),
)
const BOOKWORM = join(import.meta.dirname, 'fixtures/base-bookworm')

/** Writes a line of the evidence; one that does not count is told, and whatever it says the proof may hold. */
type Note = (good: boolean, line: string, counts?: boolean) => void

/** A variant of a definition with the sandboxes to test it in. */
interface Subject {
  readonly definition: string
  readonly title: string
  readonly variant: string
  readonly sandboxes: readonly string[]
}

/**
 * Every image of the catalogue, all variants, is built for amd64 and arm64 from today's Debian 13, and base from Debian 12
 * as well. Holds when each passes its tests on amd64 in runc, those of the engine in bwrap too, python and nginx under
 * podman; when a program of each runtime starts on arm64 through qemu; and when podman runs nginx behind a published port,
 * debian on a terminal, and on static, base and cc real programs that cc's dev variant compiled. What else fails on arm64 is
 * told and does not count: there a program that starts another one cannot.
 */
export async function run(only: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  // podman makes an image's name of a layout's path, and names are lower case.
  const folder = join(tmpdir(), `casemate-images-${process.pid}`)
  await mkdir(folder)
  try {
    const lines: string[] = []
    let holds = true
    const note: Note = (good, line, counts = true) => {
      holds &&= good || !counts
      lines.push(`${good ? 'ok ' : counts ? 'NOT' : '-- '} ${line}`)
      console.error(lines.at(-1))
    }
    const queue = (await subjects(only)).values()
    const lane = async (number: number) => {
      // Two writers of one layout would lose each other's tags; what is tried under engines below is all in one.
      for (const subject of queue) await judge(subject, `oci:${folder}/layout-${number}:${subject.title}`, note)
    }
    await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)))
    if (only.length === 0) {
      for (const [name = '', variant = ''] of TRIED)
        await build(name, variant, `oci:${folder}/layout:${name}-${variant}`)
      for (const { good, line } of await tryAll(folder)) note(good, line)
    }
    return { holds: holds && lines.length > 0, lines }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What shows only when an engine runs the images as people do. */
async function tryAll(folder: string): Promise<readonly Tried[]> {
  return [
    await tryNginx(`oci:${folder}/layout:nginx-runtime`),
    await tryTerminal(`oci:${folder}/layout:debian-runtime`),
    ...(await runPrograms(folder)),
  ]
}

async function subjects(only: readonly string[]): Promise<readonly Subject[]> {
  const catalogue = (await catalogueImages(only)).filter(({ platform }) => platform === 'linux/amd64')
  const listed = catalogue.map(({ name, variant }) => {
    const podman = ['python', 'nginx'].includes(name) && variant !== 'debug' ? ['podman'] : []
    const sandboxes = ['runc', ...(ENGINE.includes(name) ? ['bwrap'] : []), ...podman]
    return { definition: name, title: `${name}-${variant}`, variant, sandboxes }
  })
  const older = ['runtime', 'dev'].map((variant) => {
    return { definition: BOOKWORM, title: `base-bookworm-${variant}`, variant, sandboxes: ['bwrap', 'runc'] }
  })
  return only.length === 0 || only.includes('base-bookworm') ? [...listed, ...older] : listed
}

async function judge({ definition, title, variant, sandboxes }: Subject, reference: string, note: Note): Promise<void> {
  const built = await build(definition, variant, reference)
  const digest = /"digest": ?"(sha256:[0-9a-f]{64})"/.exec(built.stdout)?.[1]
  note(built.status === 0, `${title.padEnd(22)} built for both platforms  ${digest ?? built.stderr.trim()}`)
  if (built.status !== 0) return
  const runs = [
    ...sandboxes.map((sandbox) => ({ sandbox, platform: 'linux/amd64' })),
    ...(variant === 'runtime' ? [{ sandbox: 'runc', platform: 'linux/arm64' }] : []),
  ]
  for (const { sandbox, platform } of runs) {
    const options = ['--definition', definition, '--sandbox', sandbox, '--platform', platform]
    const { status, stdout, stderr } = await runProgram([...CLI, 'test', reference, ...options])
    const table = stdout.trimEnd().split('\n')
    const failures =
      status === 0 ? [] : [...table.slice(0, -1).filter((line) => !line.startsWith('passed')), stderr.trim()]
    const isForeign = platform === 'linux/arm64'
    const isGood = status === 0 || (isForeign && started(table))
    note(isGood, [`${title.padEnd(24)} ${table.at(-1)}`, ...failures].join('\n      '))
  }
}

/** Whether a program of the image ran: a test of files alone takes no time. */
function started(table: readonly string[]): boolean {
  return table.some((line) => Number(/^passed +(\d+) ms/.exec(line)?.[1] ?? 0) > 5)
}

function build(definition: string, variant: string, reference: string) {
  const platforms = ['--platform', 'linux/amd64,linux/arm64']
  return runProgram([...CLI, 'build', definition, '--variant', variant, ...platforms, '-o', reference, '--json'])
}
