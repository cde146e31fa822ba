import { type Fault, faultsOf, parseYaml, placeFaults, reportFaults } from '#core'
import { SandboxError } from './errors.ts'
import type { FileExpectation, TextExpectation } from './expectation.ts'
import type { Argv, ImageTest } from './image-test.ts'
import { type Pattern, readPattern } from './pattern.ts'
import { metadataExpectation } from './structure-metadata.ts'
import {
  type Scalar,
  type Scalars,
  structureTestSchema,
  type WrittenCommandTest,
  type WrittenFileContentTest,
  type WrittenFileExistenceTest,
  type WrittenRunOptions,
  type WrittenStructureTest,
} from './structure-test-schema.ts'

/** What a structure test may ask its surroundings for. */
export interface StructureSurroundings {
  /** A variable of the caller's environment, for `containerRunOptions.envVars`. */
  readonly variable: (name: string) => string | undefined
  /** The text of a file by its path from the structure test's own, for `containerRunOptions.envFile`. */
  readonly text: (path: string) => string
}

const INTENT = 'cannot read structure test'
const MAX_LENGTH = 1024 * 1024
/** Milliseconds for each command; the schema has none. */
const TIMEOUT = 60_000

/** A file of container-structure-test's schema, as it was read. */
export interface StructureTestFile {
  /** What errors call it. */
  readonly file: string
  readonly text: string
  /** What the names of its tests begin with; absent: the file's. */
  readonly name?: string
}

/**
 * Reads a file of container-structure-test's schema 2.0.0, YAML or JSON, as tests of ours. Patterns are RE2's without flags, as in Go. Throws `STRUCTURE_TEST_INVALID` with every
 * fault in the file's shape, for a pattern that is none, and for a key of `containerRunOptions` that no sandbox can honour.
 */
export function parseStructureTest(source: StructureTestFile, surroundings: StructureSurroundings): ImageTest[] {
  const written = readFile(source)
  const reader = new StructureReader(source, written, surroundings)
  return uniquelyNamed([
    ...(written.commandTests ?? []).map((test) => reader.command(test)),
    ...(written.fileExistenceTests ?? []).map((test) => reader.existence(test)),
    ...(written.fileContentTests ?? []).map((test) => reader.content(test)),
    ...(written.licenseTests ?? []).map(({ debian = false, files }) => reader.licences(debian, files ?? [])),
    ...(written.metadataTest ? [reader.metadata(written.metadataTest)] : []),
  ])
}

function readFile({ text, file }: StructureTestFile): WrittenStructureTest {
  if (text.length > MAX_LENGTH) throw invalid(`${INTENT} ${file}: it is longer than 1 MiB`)
  const document = parseYaml(text)
  if (!('value' in document)) throw invalid(reportFaults(INTENT, file, document))
  const { value } = document
  const faults = faultsOf(structureTestSchema, value)
  if (isWrittenStructureTest(value, faults)) return value
  throw invalid(reportFaults(INTENT, file, placeFaults(faults, document), faults.length))
}

/** The schema is where the type is inferred from, so a value without faults has it. */
function isWrittenStructureTest(_value: unknown, faults: readonly Fault[]): _value is WrittenStructureTest {
  return faults.length === 0
}

class StructureReader {
  readonly #name: string
  readonly #base: Pick<
    ImageTest,
    'environment' | 'stdin' | 'network' | 'timeout' | 'exitCode' | 'files' | 'expandsVariables'
  > &
    Partial<ImageTest>

  constructor(
    { file, name = file }: StructureTestFile,
    written: WrittenStructureTest,
    surroundings: StructureSurroundings,
  ) {
    this.#name = name
    const options = readRunOptions(written.containerRunOptions ?? {}, file, surroundings)
    this.#base = {
      ...(options.user !== '' && { user: options.user }),
      environment: { ...options.environment, ...variables(written.globalEnvVars) },
      stdin: '',
      network: 'none',
      timeout: TIMEOUT,
      exitCode: 0,
      files: [],
      expandsVariables: true,
    }
  }

  command(test: WrittenCommandTest): ImageTest {
    const place = this.#place(`command test "${test.name}"`)
    const [before, after] = [commandsOf(test.setup), commandsOf(test.teardown)]
    return {
      ...this.#base,
      name: place,
      program: { kind: 'command', argv: [test.command, ...texts(test.args)] },
      environment: { ...this.#base.environment, ...variables(test.envVars) },
      exitCode: test.exitCode ?? 0,
      stdout: this.#text(place, test.expectedOutput, test.excludedOutput),
      stderr: this.#text(place, test.expectedError, test.excludedError),
      ...(before.length + after.length > 0 && { around: { before, after } }),
    }
  }

  existence(test: WrittenFileExistenceTest): ImageTest {
    const { path, shouldExist = true, permissions = '', uid = -1, gid = -1, isExecutableBy = '' } = test
    const file: FileExpectation = {
      path,
      isAbsent: !shouldExist,
      keepsLink: true,
      ...(permissions !== '' && { permissions }),
      ...(uid >= 0 && { uid }),
      ...(gid >= 0 && { gid }),
      ...(isExecutableBy !== '' && { executableBy: isExecutableBy }),
    }
    return this.#inspection(`file existence test "${test.name}"`, { files: [file] })
  }

  content(test: WrittenFileContentTest): ImageTest {
    const place = this.#place(`file content test "${test.name}"`)
    const content = this.#text(place, test.expectedContents, test.excludedContents)
    const file: FileExpectation = { path: test.path, isAbsent: false, keepsLink: false, content }
    return this.#inspection(`file content test "${test.name}"`, { files: [file] })
  }

  licences(debian: boolean, files: readonly string[]): ImageTest {
    return this.#inspection('licence test', { licences: { debian, files } })
  }

  metadata(test: NonNullable<WrittenStructureTest['metadataTest']>): ImageTest {
    const place = this.#place('metadata test')
    return this.#inspection('metadata test', {
      metadata: metadataExpectation(test, (text) => this.#pattern(text, place)),
    })
  }

  #inspection(name: string, what: Partial<ImageTest>): ImageTest {
    return { ...this.#base, environment: {}, ...what, name: this.#place(name), program: { kind: 'none' } }
  }

  #text(place: string, expected: Scalars | undefined, excluded: Scalars | undefined): TextExpectation {
    const read = (list: Scalars | undefined) => texts(list).map((text) => this.#pattern(text, place))
    return { matches: read(expected), excludes: read(excluded) }
  }

  #pattern(text: string, place: string): Pattern {
    const read = readPattern(text)
    if ('fault' in read) throw invalid(`${INTENT} ${place}: "${text}" is no pattern: ${read.fault}`)
    return read.pattern
  }

  #place(name: string): string {
    return `${this.#name}: ${name}`
  }
}

/** Options that would take the sandbox away, or that it does not have. */
const REFUSED = {
  privileged: 'a sandbox gives no privileges',
  allocateTty: 'a sandbox has no terminal',
  capabilities: 'a sandbox gives no capabilities',
  bindMounts: 'a sandbox shows nothing of the host',
} as const

function readRunOptions(
  options: WrittenRunOptions,
  file: string,
  surroundings: StructureSurroundings,
): { readonly user: string; readonly environment: Readonly<Record<string, string>> } {
  for (const key of ['privileged', 'allocateTty', 'capabilities', 'bindMounts'] as const) {
    const value = options[key]
    const isAsked = value === true || (Array.isArray(value) && value.length > 0)
    if (isAsked) throw invalid(`${INTENT} ${file}: containerRunOptions.${key} cannot be honoured: ${REFUSED[key]}`)
  }
  const environment: Record<string, string> = {}
  if (options.envFile) {
    for (const line of surroundings.text(options.envFile).split('\n')) {
      const [name = '', ...value] = line.trimStart().split('=')
      if (name === '' || name.startsWith('#')) continue
      const given = value.length > 0 ? value.join('=') : surroundings.variable(name)
      if (given !== undefined) environment[name] = given
    }
  }
  for (const name of texts(options.envVars)) {
    const value = surroundings.variable(name)
    if (value === undefined) throw invalid(`${INTENT} ${file}: containerRunOptions.envVars: ${name} is not set here`)
    environment[name] = value
  }
  return { user: options.user === undefined ? '' : String(options.user), environment }
}

function variables(list: readonly { key: string; value: Scalar }[] | null | undefined): Record<string, string> {
  return Object.fromEntries((list ?? []).map(({ key, value }) => [key, String(value)]))
}

function commandsOf(list: readonly (readonly Scalar[])[] | null | undefined): Argv[] {
  return (list ?? []).map((argv) => argv.map(String))
}

function texts(list: Scalars | undefined): string[] {
  return (list ?? []).map(String)
}

/** The schema lets tests share a name; a report does not. */
function uniquelyNamed(tests: readonly ImageTest[]): ImageTest[] {
  const counts = new Map<string, number>()
  return tests.map((test) => {
    const count = (counts.get(test.name) ?? 0) + 1
    counts.set(test.name, count)
    return count === 1 ? test : { ...test, name: `${test.name} (${count})` }
  })
}

function invalid(message: string): SandboxError {
  return new SandboxError('STRUCTURE_TEST_INVALID', message)
}
