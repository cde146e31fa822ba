import type { XStatic } from 'typebox/schema'
import type { Shape } from '#core'

const listOf = <const Items extends Shape>(items: Items) =>
  ({
    anyOf: [{ type: 'array', items }, { type: 'null' }],
    title: 'a list',
  }) as const satisfies Shape
const objectOf = <const Properties extends Record<string, Shape>, const Required extends readonly string[]>(
  title: string,
  properties: Properties,
  required: Required,
) => ({ type: 'object', title, additionalProperties: false, properties, required }) as const satisfies Shape

const word = { type: 'string', title: 'text, not empty', minLength: 1 } as const satisfies Shape
/** Go's YAML reader takes a number for a text as well. */
const scalar = {
  title: 'text',
  anyOf: [{ type: 'string' }, { type: 'integer' }, { type: 'boolean' }],
} as const satisfies Shape
const yes = { type: 'boolean' } as const satisfies Shape
const words = listOf(scalar)
const commands = listOf({ type: 'array', title: 'a command with its arguments', minItems: 1, items: scalar })
const path = { type: 'string', title: 'an absolute path, which may begin with a variable', pattern: '^[/$]' } as const
/** -1 says, as leaving the key out does, that any will do. */
const id = { type: 'integer', title: 'a number of a user or group', minimum: -1, maximum: 4294967294 } as const
const variable = objectOf('a variable', { key: word, value: scalar }, ['key', 'value'])
const namedValue = objectOf('a key with its value', { key: word, value: scalar, isRegex: yes }, ['key', 'value'])
const named = objectOf('a key', { key: word, value: scalar, isRegex: yes }, ['key'])

const commandTest = objectOf(
  'a command test',
  {
    name: word,
    setup: commands,
    teardown: commands,
    envVars: listOf(variable),
    exitCode: { type: 'integer', title: 'an exit code from 0 to 255', minimum: 0, maximum: 255 },
    command: word,
    args: words,
    expectedOutput: words,
    excludedOutput: words,
    expectedError: words,
    excludedError: words,
  },
  ['name', 'command'],
)

const fileExistenceTest = objectOf(
  'a file existence test',
  {
    name: word,
    path,
    shouldExist: yes,
    permissions: {
      type: 'string',
      title: "permissions as Go writes them: '-rw-r--r--', 'drwxr-xr-x', or nothing",
      pattern: '^([a-zA-Z?-]{10,14})?$',
    },
    uid: id,
    gid: id,
    isExecutableBy: { enum: ['owner', 'group', 'other', 'any', ''] },
  },
  ['name', 'path'],
)

const fileContentTest = objectOf(
  'a file content test',
  { name: word, path, expectedContents: words, excludedContents: words },
  ['name', 'path'],
)

const metadataTest = objectOf(
  'a metadata test',
  {
    env: listOf(namedValue),
    envVars: listOf(namedValue),
    unboundEnvVars: listOf(named),
    labels: listOf(namedValue),
    exposedPorts: words,
    unexposedPorts: words,
    volumes: words,
    unmountedVolumes: words,
    entrypoint: words,
    cmd: words,
    workdir: { type: 'string' },
    user: scalar,
  },
  [],
)

/**
 * The shape of a container-structure-test file, schema version 2.0.0. Of `containerRunOptions` the keys are known here and
 * told apart later: those that a sandbox cannot honour are refused by name.
 */
export const structureTestSchema = objectOf(
  'the keys of a structure test',
  {
    schemaVersion: { enum: ['2.0.0'] },
    globalEnvVars: listOf(variable),
    commandTests: listOf(commandTest),
    fileExistenceTests: listOf(fileExistenceTest),
    fileContentTests: listOf(fileContentTest),
    metadataTest,
    licenseTests: listOf(objectOf('a licence test', { debian: yes, files: listOf(path) }, [])),
    containerRunOptions: objectOf(
      'run options',
      {
        user: scalar,
        privileged: yes,
        allocateTty: yes,
        envFile: { type: 'string' },
        envVars: words,
        capabilities: words,
        bindMounts: words,
      },
      [],
    ),
  },
  ['schemaVersion'],
)

/** A structure test as its file writes it, its shape checked and nothing else. */
export type WrittenStructureTest = XStatic<typeof structureTestSchema>
type Items<Key extends keyof WrittenStructureTest> =
  NonNullable<WrittenStructureTest[Key]> extends infer List
    ? List extends readonly (infer Item)[]
      ? Item
      : never
    : never
export type WrittenCommandTest = Items<'commandTests'>
export type WrittenFileExistenceTest = Items<'fileExistenceTests'>
export type WrittenFileContentTest = Items<'fileContentTests'>
export type WrittenMetadataTest = NonNullable<WrittenStructureTest['metadataTest']>
export type WrittenLicenceTest = Items<'licenseTests'>
export type WrittenRunOptions = NonNullable<WrittenStructureTest['containerRunOptions']>
/** A text, or what Go reads as one. */
export type Scalar = XStatic<typeof scalar>
export type Scalars = XStatic<typeof words>
