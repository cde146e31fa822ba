import Type, { type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { SandboxError } from './errors.ts'

const strings = Type.Union([Type.Array(Type.String()), Type.Null()])
const keys = Type.Union([Type.Record(Type.String(), Type.Object({})), Type.Null()])

const imageConfigSchema = Type.Object({
  architecture: Type.String({ minLength: 1 }),
  os: Type.String({ minLength: 1 }),
  config: Type.Optional(
    Type.Object({
      User: Type.Optional(Type.String()),
      Env: Type.Optional(strings),
      Entrypoint: Type.Optional(strings),
      Cmd: Type.Optional(strings),
      WorkingDir: Type.Optional(Type.String()),
      ExposedPorts: Type.Optional(keys),
      Volumes: Type.Optional(keys),
      StopSignal: Type.Optional(Type.String()),
      Labels: Type.Optional(Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()])),
    }),
  ),
})

const validator = Compile(imageConfigSchema)

/** The fields of an OCI image configuration that decide how a container of it runs (image-spec, config.md). */
export type ImageConfig = Static<typeof imageConfigSchema>

/** Checks a parsed image configuration; unknown fields are left alone. Throws `IMAGE_CONFIG_INVALID`. */
export function parseImageConfig(value: unknown): ImageConfig {
  if (validator.Check(value)) return value
  const [error] = validator.Errors(value)
  throw new SandboxError(
    'IMAGE_CONFIG_INVALID',
    `cannot read image config: ${error?.instancePath || 'the document'} ${error?.message ?? 'has the wrong shape'}`,
  )
}

/** Reads `NAME=value` lines; a line without `=` is refused, the last line for a name counts. Throws `IMAGE_CONFIG_INVALID`. */
export function parseEnvironment(lines: readonly string[]): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const line of lines) {
    const at = line.indexOf('=')
    if (at < 1)
      throw new SandboxError('IMAGE_CONFIG_INVALID', `cannot read image config: Env "${line}" is not NAME=value`)
    environment[line.slice(0, at)] = line.slice(at + 1)
  }
  return environment
}
