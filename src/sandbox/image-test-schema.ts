import Type, { type Static } from 'typebox'

const strict = { additionalProperties: false }
const duration = Type.String({ pattern: '^[0-9]+(ms|s|m)$', description: 'A time: `500ms`, `10s`, `2m`.' })
const port = Type.Integer({ minimum: 1, maximum: 65535 })
const exitCode = Type.Integer({ minimum: 0, maximum: 255 })

const text = Type.Object(
  {
    equals: Type.Optional(Type.String({ description: 'The whole text; one newline at its end does not count.' })),
    contains: Type.Optional(Type.String({ minLength: 1 })),
    matches: Type.Optional(Type.String({ minLength: 1, description: 'A JavaScript regular expression, flags `mu`.' })),
  },
  { ...strict, minProperties: 1 },
)

const file = Type.Object(
  {
    path: Type.String({ pattern: '^/', description: 'Absolute; links are followed inside the image.' }),
    exists: Type.Optional(Type.Literal(true)),
    absent: Type.Optional(Type.Literal(true)),
    mode: Type.Optional(Type.String({ pattern: '^0?[0-7]{3,4}$', description: 'Octal permissions: `"0644"`.' })),
    contains: Type.Optional(Type.String({ minLength: 1 })),
  },
  strict,
)

const http = Type.Object(
  {
    path: Type.String({ pattern: '^/' }),
    port: Type.Optional(port),
    status: Type.Optional(Type.Integer({ minimum: 100, maximum: 599, description: 'Default 200.' })),
    contains: Type.Optional(Type.String({ minLength: 1 })),
    headers: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: 'Each header must hold this text.' }),
    ),
  },
  strict,
)

const tcp = Type.Object(
  {
    port: Type.Optional(port),
    send: Type.Optional(Type.String()),
    contains: Type.Optional(Type.String({ minLength: 1 })),
  },
  strict,
)

/** The JSON Schema of one image test as a definition's `tests:` writes it; for embedding in the definition's schema. */
export const imageTestSchema = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    variants: Type.Optional(Type.Array(Type.String(), { description: 'Only these variants; every one by default.' })),
    platforms: Type.Optional(
      Type.Array(Type.String(), { description: 'Only these, e.g. `linux/amd64`; every platform by default.' }),
    ),
    command: Type.Optional(Type.Array(Type.String(), { minItems: 1, description: 'Runs instead of the entrypoint.' })),
    args: Type.Optional(
      Type.Array(Type.String(), { description: "Follow the image's entrypoint, instead of its cmd." }),
    ),
    start: Type.Optional(
      Type.Literal(true, { description: 'Starts the program as a service, then probes and stops it.' }),
    ),
    user: Type.Optional(Type.String({ minLength: 1, description: "Default the image's user." })),
    environment: Type.Optional(Type.Record(Type.String({ pattern: '^[^=]+$' }), Type.String())),
    stdin: Type.Optional(Type.String()),
    network: Type.Optional(
      Type.Union([Type.Literal('none'), Type.Literal('loopback'), Type.Literal('host')], {
        description: 'Default `none`: a namespace of its own with nothing but loopback (`loopback` says the same).',
      }),
    ),
    timeout: Type.Optional(duration),
    memory: Type.Optional(Type.String({ pattern: '^[0-9]+(KiB|MiB|GiB)$', description: 'A size: `256MiB`.' })),
    'exit-code': Type.Optional(exitCode),
    stdout: Type.Optional(text),
    stderr: Type.Optional(text),
    files: Type.Optional(
      Type.Array(file, { description: 'Looked at in the end. A test that asks for nothing else runs no program.' }),
    ),
    ports: Type.Optional(
      Type.Array(port, { description: 'TCP ports that must be listened on once the service is ready.' }),
    ),
    ready: Type.Optional(
      Type.Object({ port: Type.Optional(port), stdout: Type.Optional(Type.String()) }, { ...strict, minProperties: 1 }),
    ),
    probe: Type.Optional(
      Type.Object(
        { http: Type.Optional(http), tcp: Type.Optional(tcp) },
        { ...strict, minProperties: 1, maxProperties: 1 },
      ),
    ),
    stop: Type.Optional(
      Type.Object(
        {
          signal: Type.Optional(Type.String({ pattern: '^SIG[A-Z0-9+]+$', description: "Default the contract's." })),
          'exit-code': Type.Optional(exitCode),
          within: Type.Optional(duration),
        },
        strict,
      ),
    ),
  },
  strict,
)

/** One image test as a definition writes it, its shape checked and nothing else. */
export type WrittenImageTest = Static<typeof imageTestSchema>

/** What a text must be like; every part that is given must hold. */
export type TextExpectation = Static<typeof text>

/** What must be true of a path once the test has run. */
export type FileExpectation = Static<typeof file>

export type HttpProbe = Static<typeof http>
export type TcpProbe = Static<typeof tcp>
