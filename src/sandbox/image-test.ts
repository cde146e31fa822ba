import { type Fault, faultsOf, formatFault } from '#core'
import { SandboxError } from './errors.ts'
import type { FileExpectation, LicenceExpectation, MetadataExpectation, TextExpectation } from './expectation.ts'
import {
  type HttpProbe,
  imageTestSchema,
  type TcpProbe,
  type WrittenCommandProbe,
  type WrittenFile,
  type WrittenImageTest,
  type WrittenText,
} from './image-test-schema.ts'
import { type Pattern, readLinePattern } from './pattern.ts'
import { expandStructureTest, isStructureTestReference } from './structure-reference.ts'

/** A question that is put over the network. */
export type NetworkProbe =
  | ({ readonly kind: 'http'; readonly port: number } & Omit<HttpProbe, 'port'>)
  | ({ readonly kind: 'tcp'; readonly port: number } & Omit<TcpProbe, 'port'>)

/** How a service that is ready is asked whether it works. */
export type Probe = NetworkProbe | CommandProbe | { readonly kind: 'healthcheck' }

/** A command that runs beside a service, in its container or in one of another image with the same network. */
export interface CommandProbe {
  readonly kind: 'command'
  readonly argv: Argv
  readonly helper?: string
  readonly exitCode: number
  readonly stdout?: TextExpectation
  readonly stderr?: TextExpectation
}

/** How a service is awaited, asked and stopped. */
export interface ServiceExpectation {
  /** TCP ports that must be listened on. */
  readonly ports: readonly number[]
  readonly ready: { readonly port?: number; readonly stdout?: string; readonly stderr?: string }
  readonly probe?: Probe
  /** From the program's start until it is ready and the probe has answered. */
  readonly within?: number
  /** Absent: the service is killed without a verdict on how it ends. */
  readonly stop?: { readonly signal?: string; readonly exitCode: number; readonly within: number }
}

/** A program and its arguments; never empty. */
export type Argv = readonly string[]

/** One test of an image. Times are milliseconds, sizes bytes. */
export interface ImageTest {
  readonly name: string
  /** The variants it is for; absent: every one. */
  readonly variants?: readonly string[]
  /** The OCI platforms it is for, without their variant; absent: every one. */
  readonly platforms?: readonly string[]
  /** What runs: nothing, a command of the test's own, or the image's entrypoint with its cmd or with these arguments. */
  readonly program:
    | { readonly kind: 'none' }
    | { readonly kind: 'command'; readonly argv: readonly string[] }
    | { readonly kind: 'entrypoint'; readonly args?: readonly string[] }
  /** Another image whose files stand at `HELPER_PATH`. */
  readonly helper?: string
  readonly user?: string
  readonly environment: Readonly<Record<string, string>>
  readonly stdin: string
  /** `none`: a network namespace of its own with nothing but loopback. */
  readonly network: 'none' | 'host'
  /** To the end of the program, or for a service to the end of its probe. */
  readonly timeout: number
  readonly memory?: number
  readonly exitCode: number
  readonly stdout?: TextExpectation
  readonly stderr?: TextExpectation
  readonly files: readonly FileExpectation[]
  /**
   * Commands that run before and after the program, each in a container of its own over one copy of the image's files, which
   * they and the program may change. Absent: the root is read-only, and nothing is copied.
   */
  readonly around?: { readonly before: readonly Argv[]; readonly after: readonly Argv[] }
  /** Whether `$NAME` in values, commands and paths stands for the image's variable of that name. */
  readonly expandsVariables?: boolean
  readonly metadata?: MetadataExpectation
  readonly licences?: LicenceExpectation
  readonly service?: ServiceExpectation
}

/**
 * Reads the `tests:` of a definition, with the files in the place of their paths where it refers to structure tests. Names
 * are unique. Throws `IMAGE_TEST_INVALID` naming the test and the key, or `STRUCTURE_TEST_INVALID`.
 */
export function parseImageTests(value: unknown): ImageTest[] {
  if (!Array.isArray(value)) throw invalid('tests', 'want a list')
  const tests = value.flatMap((item, index) => {
    return isStructureTestReference(item) ? expandStructureTest(item) : [parseImageTest(item, `tests[${index}]`)]
  })
  const names = new Set<string>()
  for (const { name } of tests) {
    if (names.has(name)) throw invalid(`"${name}"`, 'another test has the same name')
    names.add(name)
  }
  return tests
}

/** Reads one test; `place` names it in errors. Throws `IMAGE_TEST_INVALID`. */
export function parseImageTest(value: unknown, place: string): ImageTest {
  const faults = faultsOf(imageTestSchema, value)
  if (!isWrittenImageTest(value, faults)) throw invalid(place, faults.map(formatFault).join('; '))
  const where = `"${value.name}"`
  if (value['structure-test'] !== undefined) throw invalid(where, 'its structure test was not read')
  checkCombination(value, where)
  const { variants, platforms, helper, user, memory, stdout, stderr } = value
  return {
    name: value.name,
    ...(variants && { variants }),
    ...(platforms && { platforms }),
    program: programOf(value),
    ...(helper && { helper }),
    ...(user && { user }),
    environment: value.environment ?? {},
    stdin: value.stdin ?? '',
    network: value.network === 'host' ? 'host' : 'none',
    timeout: parseDuration(value.timeout ?? '10s'),
    ...(memory && { memory: parseSize(memory) }),
    exitCode: value['exit-code'] ?? 0,
    ...(stdout && { stdout: textExpectation(stdout, where) }),
    ...(stderr && { stderr: textExpectation(stderr, where) }),
    files: (value.files ?? []).map((file) => fileExpectation(file, where)),
    ...(value.start && { service: parseService(value, where) }),
  }
}

/** A test that asks for files alone runs nothing: some images have no program at all. */
function programOf(test: WrittenImageTest): ImageTest['program'] {
  if (test.command) return { kind: 'command', argv: test.command }
  const asked = Object.keys(test).filter((key) => !['name', 'variants', 'platforms'].includes(key))
  if (asked.length === 1 && test.files) return { kind: 'none' }
  return { kind: 'entrypoint', ...(test.args && { args: test.args }) }
}

/** The schema is where the type is inferred from, so a value without faults has it. */
function isWrittenImageTest(_value: unknown, faults: readonly Fault[]): _value is WrittenImageTest {
  return faults.length === 0
}

function parseService(test: WrittenImageTest, where: string): ServiceExpectation {
  const { probe, stop, within } = test
  const ready = test.ready ?? {}
  const port = probe?.http?.port ?? probe?.tcp?.port ?? ready.port ?? test.ports?.[0]
  if ((probe?.http || probe?.tcp) && port === undefined)
    throw invalid(where, 'probe names no port, and neither ready nor ports has one')
  return {
    ports: test.ports ?? [],
    ready,
    ...(probe?.http && port && { probe: { kind: 'http', ...probe.http, port } }),
    ...(probe?.tcp && port && { probe: { kind: 'tcp', ...probe.tcp, port } }),
    ...(probe?.command && { probe: commandProbe(probe.command, where) }),
    ...(probe?.healthcheck && { probe: { kind: 'healthcheck' } }),
    ...(within && { within: parseDuration(within) }),
    ...(stop && {
      stop: {
        ...(stop.signal && { signal: stop.signal }),
        exitCode: stop['exit-code'] ?? 0,
        within: parseDuration(stop.within ?? '10s'),
      },
    }),
  }
}

function commandProbe({ run, helper, stdout, stderr, ...rest }: WrittenCommandProbe, where: string): CommandProbe {
  return {
    kind: 'command',
    argv: run,
    ...(helper && { helper }),
    exitCode: rest['exit-code'] ?? 0,
    ...(stdout && { stdout: textExpectation(stdout, where) }),
    ...(stderr && { stderr: textExpectation(stderr, where) }),
  }
}

function checkCombination(test: WrittenImageTest, where: string): void {
  if (test.command && test.args) throw invalid(where, 'has both command and args; args follow the entrypoint')
  if (test.start) {
    if (test['exit-code'] !== undefined) throw invalid(where, "a service's exit code belongs to stop")
    const isAwaited = test.ready || test.ports?.length || test.probe?.healthcheck
    if (!isAwaited) throw invalid(where, 'start needs ready or ports, to know when to probe')
  } else {
    for (const key of ['ready', 'probe', 'stop', 'ports', 'within'] as const) {
      if (test[key] !== undefined) throw invalid(where, `${key} needs start: true`)
    }
  }
  for (const file of test.files ?? []) {
    const { path: _, absent, ...others } = file
    if (absent && Object.keys(others).length > 0) {
      throw invalid(where, `${file.path} is to be absent and something else`)
    }
  }
}

function textExpectation({ equals, contains, matches, excludes }: WrittenText, where: string): TextExpectation {
  return {
    ...(equals !== undefined && { equals }),
    ...(contains !== undefined && { contains }),
    matches: patternsOf(matches, where),
    excludes: patternsOf(excludes, where),
  }
}

function fileExpectation(file: WrittenFile, where: string): FileExpectation {
  const { path, mode, uid, gid, contains, matches, excludes } = file
  const hasContent = contains !== undefined || matches !== undefined || excludes !== undefined
  return {
    path,
    isAbsent: file.absent === true,
    keepsLink: false,
    ...(mode !== undefined && { mode: Number.parseInt(mode, 8) }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(hasContent && {
      content: textExpectation(
        { ...(contains && { contains }), ...(matches && { matches }), ...(excludes && { excludes }) },
        where,
      ),
    }),
  }
}

function patternsOf(written: WrittenText['matches'], where: string): readonly Pattern[] {
  const texts = written === undefined ? [] : typeof written === 'string' ? [written] : written
  return texts.map((text) => {
    const read = readLinePattern(text)
    if ('fault' in read) throw invalid(where, `"${text}" is no pattern: ${read.fault}`)
    return read.pattern
  })
}

function parseDuration(text: string): number {
  const factor = text.endsWith('ms') ? 1 : text.endsWith('s') ? 1000 : 60_000
  return Number.parseInt(text, 10) * factor
}

function parseSize(text: string): number {
  const factor = text.endsWith('KiB') ? 1024 : text.endsWith('MiB') ? 1024 ** 2 : 1024 ** 3
  return Number.parseInt(text, 10) * factor
}

function invalid(where: string, reason: string): SandboxError {
  return new SandboxError('IMAGE_TEST_INVALID', `cannot read image test ${where}: ${reason}`)
}
