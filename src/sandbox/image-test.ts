import { type Fault, faultsOf, formatFault } from '#core'
import { SandboxError } from './errors.ts'
import {
  type FileExpectation,
  type HttpProbe,
  imageTestSchema,
  type TcpProbe,
  type TextExpectation,
  type WrittenImageTest,
} from './image-test-schema.ts'

/** How a service is awaited, asked and stopped. */
export interface ServiceExpectation {
  /** TCP ports that must be listened on. */
  readonly ports: readonly number[]
  readonly ready: { readonly port?: number; readonly stdout?: string; readonly stderr?: string }
  readonly probe?:
    | ({ readonly kind: 'http'; readonly port: number } & Omit<HttpProbe, 'port'>)
    | ({ readonly kind: 'tcp'; readonly port: number } & Omit<TcpProbe, 'port'>)
  /** Absent: the service is killed without a verdict on how it ends. */
  readonly stop?: { readonly signal?: string; readonly exitCode: number; readonly within: number }
}

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
  readonly service?: ServiceExpectation
}

/** Reads the `tests:` of a definition. Names are unique. Throws `IMAGE_TEST_INVALID` naming the test and the key. */
export function parseImageTests(value: unknown): ImageTest[] {
  if (!Array.isArray(value)) throw invalid('tests', 'want a list')
  const tests = value.map((item, index) => parseImageTest(item, `tests[${index}]`))
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
  checkCombination(value, where)
  for (const text of [value.stdout, value.stderr]) checkPattern(text?.matches, where)
  const { variants, platforms, user, memory, stdout, stderr } = value
  return {
    name: value.name,
    ...(variants && { variants }),
    ...(platforms && { platforms }),
    program: programOf(value),
    ...(user && { user }),
    environment: value.environment ?? {},
    stdin: value.stdin ?? '',
    network: value.network === 'host' ? 'host' : 'none',
    timeout: parseDuration(value.timeout ?? '10s'),
    ...(memory && { memory: parseSize(memory) }),
    exitCode: value['exit-code'] ?? 0,
    ...(stdout && { stdout }),
    ...(stderr && { stderr }),
    files: value.files ?? [],
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
  const { probe, stop } = test
  const ready = test.ready ?? {}
  const port = probe?.http?.port ?? probe?.tcp?.port ?? ready.port ?? test.ports?.[0]
  if (probe && port === undefined) throw invalid(where, 'probe names no port, and neither ready nor ports has one')
  return {
    ports: test.ports ?? [],
    ready,
    ...(probe?.http && port && { probe: { kind: 'http', ...probe.http, port } }),
    ...(probe?.tcp && port && { probe: { kind: 'tcp', ...probe.tcp, port } }),
    ...(stop && {
      stop: {
        ...(stop.signal && { signal: stop.signal }),
        exitCode: stop['exit-code'] ?? 0,
        within: parseDuration(stop.within ?? '10s'),
      },
    }),
  }
}

function checkCombination(test: WrittenImageTest, where: string): void {
  if (test.command && test.args) throw invalid(where, 'has both command and args; args follow the entrypoint')
  if (test.start) {
    if (test['exit-code'] !== undefined) throw invalid(where, "a service's exit code belongs to stop")
    if (!test.ready && !test.ports?.length) throw invalid(where, 'start needs ready or ports, to know when to probe')
  } else {
    for (const key of ['ready', 'probe', 'stop', 'ports'] as const) {
      if (test[key] !== undefined) throw invalid(where, `${key} needs start: true`)
    }
  }
  for (const file of test.files ?? []) {
    if (file.absent && (file.exists || file.mode || file.contains)) {
      throw invalid(where, `${file.path} is to be absent and something else`)
    }
  }
}

function checkPattern(pattern: string | undefined, where: string): void {
  if (pattern === undefined) return
  try {
    new RegExp(pattern, 'mu')
  } catch (cause) {
    throw new SandboxError(
      'IMAGE_TEST_INVALID',
      `cannot read image test ${where}: "${pattern}" is no regular expression`,
      { cause },
    )
  }
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
