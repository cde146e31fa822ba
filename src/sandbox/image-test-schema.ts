import type { XStatic } from 'typebox/schema'
import type { Shape } from '#core'

const described = <const Part extends Shape>(part: Part, description: string) =>
  ({ ...part, description }) as const satisfies Shape
const listOf = <const Items extends Shape>(items: Items) => ({ type: 'array', items }) as const satisfies Shape

const text = { type: 'string' } as const satisfies Shape
const word = { type: 'string', title: 'text, not empty', minLength: 1 } as const satisfies Shape
const yes = { type: 'boolean', const: true } as const satisfies Shape
const path = { type: 'string', title: 'an absolute path', pattern: '^/' } as const satisfies Shape
const port = { type: 'integer', title: 'a port from 1 to 65535', minimum: 1, maximum: 65535 } as const satisfies Shape
const exitCode = {
  type: 'integer',
  title: 'an exit code from 0 to 255',
  minimum: 0,
  maximum: 255,
} as const satisfies Shape
const duration = {
  type: 'string',
  title: 'a time with its unit, e.g. 10s',
  description: 'A time: `500ms`, `10s`, `2m`.',
  pattern: '^[0-9]+(ms|s|m)$',
} as const satisfies Shape

const patterns = {
  title: 'a pattern, or a list of patterns',
  anyOf: [word, { type: 'array', title: 'a list of patterns', minItems: 1, items: word }],
} as const satisfies Shape
const matches = described(
  patterns,
  "A pattern in RE2's syntax, `^` and `$` being line ends, or a list: each must be found.",
)
const excludes = described(patterns, 'A pattern as of `matches`, or a list: none may be found.')

const textExpectation = {
  type: 'object',
  title: 'equals, contains, matches or excludes',
  additionalProperties: false,
  minProperties: 1,
  properties: {
    equals: described(text, 'The whole text; one newline at its end does not count.'),
    contains: word,
    matches,
    excludes,
  },
} as const satisfies Shape

const id = { type: 'integer', title: 'a number from 0 to 4294967294', minimum: 0, maximum: 4294967294 } as const

const fileExpectation = {
  type: 'object',
  title: 'a path with what is expected of it',
  additionalProperties: false,
  required: ['path'],
  properties: {
    path: described(path, 'Absolute; links are followed inside the image.'),
    exists: yes,
    absent: yes,
    mode: {
      type: 'string',
      title: 'octal permissions in quotes: "0644"',
      description: 'Octal permissions: `"0644"`.',
      pattern: '^0?[0-7]{3,4}$',
    },
    uid: id,
    gid: id,
    contains: word,
    matches,
    excludes,
  },
} as const satisfies Shape

const httpProbe = {
  type: 'object',
  title: 'a request by HTTP',
  additionalProperties: false,
  required: ['path'],
  properties: {
    path,
    port,
    status: {
      type: 'integer',
      title: 'a status from 100 to 599',
      description: 'Default 200.',
      minimum: 100,
      maximum: 599,
    },
    contains: word,
    headers: {
      type: 'object',
      title: 'texts by header',
      description: 'Each header must hold this text.',
      additionalProperties: text,
    },
  },
} as const satisfies Shape

const tcpProbe = {
  type: 'object',
  title: 'what is sent and expected over TCP',
  additionalProperties: false,
  properties: { port, send: text, contains: word },
} as const satisfies Shape

const helper = described(
  word,
  'Another image: a reference, or the name of a catalogue image that was built to `./out`.',
)

const commandProbe = {
  type: 'object',
  title: 'a command with what is expected of it',
  additionalProperties: false,
  required: ['run'],
  properties: {
    run: { ...listOf(text), title: 'a command with its arguments', minItems: 1 },
    helper,
    'exit-code': exitCode,
    stdout: textExpectation,
    stderr: textExpectation,
  },
} as const satisfies Shape

/** The JSON Schema of one image test as a definition's `tests:` writes it; for embedding in the definition's schema. */
export const imageTestSchema = {
  type: 'object',
  title: 'the keys of a test',
  additionalProperties: false,
  required: ['name'],
  properties: {
    name: word,
    variants: described(listOf(text), 'Only these variants; every one by default.'),
    platforms: described(listOf(text), 'Only these, e.g. `linux/amd64`; every platform by default.'),
    'structure-test': described(
      word,
      "The path of a file of container-structure-test's schema 2.0.0 beside the definition, whose tests run here.",
    ),
    command: {
      ...listOf(text),
      title: 'a command with its arguments',
      description: 'Runs instead of the entrypoint.',
      minItems: 1,
    },
    args: described(listOf(text), "Follow the image's entrypoint, instead of its cmd."),
    start: described(yes, 'Starts the program as a service, then probes and stops it.'),
    user: described(word, "Default the image's user."),
    environment: {
      type: 'object',
      title: 'values by name',
      propertyNames: { title: 'a name without "="', pattern: '^[^=]+$' },
      additionalProperties: text,
    },
    stdin: text,
    network: {
      enum: ['none', 'loopback', 'host'],
      description: 'Default `none`: a namespace of its own with nothing but loopback (`loopback` says the same).',
    },
    timeout: duration,
    memory: {
      type: 'string',
      title: 'a size with its unit, e.g. 256MiB',
      description: 'A size: `256MiB`.',
      pattern: '^[0-9]+(KiB|MiB|GiB)$',
    },
    'exit-code': exitCode,
    stdout: textExpectation,
    stderr: textExpectation,
    files: described(
      listOf(fileExpectation),
      'Looked at in the end. A test that asks for nothing else runs no program.',
    ),
    ports: described(listOf(port), 'TCP ports that must be listened on once the service is ready.'),
    within: {
      ...duration,
      description: 'How long the service may take from its start until it is ready and its probe has answered: `2s`.',
    },
    helper: {
      ...helper,
      description: `${helper.description} Its files stand, read-only, at \`/dev/casemate-helper\`: for static programs that the image has not.`,
    },
    ready: {
      type: 'object',
      title: 'port, stdout or stderr',
      additionalProperties: false,
      minProperties: 1,
      properties: { port, stdout: text, stderr: text },
    },
    probe: {
      type: 'object',
      title: 'one of http, tcp, command and healthcheck',
      additionalProperties: false,
      minProperties: 1,
      maxProperties: 1,
      properties: {
        http: httpProbe,
        tcp: tcpProbe,
        command: described(
          commandProbe,
          'Runs in the container, or, with a helper, in one of that image beside it, which shares its network.',
        ),
        healthcheck: described(yes, "Runs the image's own health check in the container until it passes."),
      },
    },
    stop: {
      type: 'object',
      title: 'how the service ends',
      additionalProperties: false,
      properties: {
        signal: {
          type: 'string',
          title: 'a signal, e.g. SIGTERM',
          description: "Default the contract's.",
          pattern: '^SIG[A-Z0-9+]+$',
        },
        'exit-code': exitCode,
        within: duration,
      },
    },
  },
} as const satisfies Shape

/** One image test as a definition writes it, its shape checked and nothing else. */
export type WrittenImageTest = XStatic<typeof imageTestSchema>

export type WrittenText = XStatic<typeof textExpectation>
export type WrittenFile = XStatic<typeof fileExpectation>
export type WrittenCommandProbe = XStatic<typeof commandProbe>
export type HttpProbe = XStatic<typeof httpProbe>
export type TcpProbe = XStatic<typeof tcpProbe>
