import type { XStatic } from 'typebox/schema'
import { type Fault, faultsOf, formatFault, type Shape } from '#core'
import { SandboxError } from './errors.ts'

const text = { type: 'string' } as const satisfies Shape
const nothing = { type: 'null' } as const satisfies Shape
/** Go writes an empty list or map as null. */
const texts = { title: 'a list of texts', anyOf: [{ type: 'array', items: text }, nothing] } as const satisfies Shape
const keys = {
  title: 'keys with empty values',
  anyOf: [{ type: 'object', additionalProperties: { type: 'object' } }, nothing],
} as const satisfies Shape

const nanoseconds = { type: 'integer', title: 'nanoseconds', minimum: 0 } as const satisfies Shape

const imageConfigSchema = {
  type: 'object',
  required: ['architecture', 'os'],
  properties: {
    architecture: { type: 'string', title: 'text, not empty', minLength: 1 },
    os: { type: 'string', title: 'text, not empty', minLength: 1 },
    config: {
      type: 'object',
      properties: {
        User: text,
        Env: texts,
        Entrypoint: texts,
        Cmd: texts,
        WorkingDir: text,
        ExposedPorts: keys,
        Volumes: keys,
        StopSignal: text,
        Healthcheck: {
          title: 'a health check',
          anyOf: [
            {
              type: 'object',
              properties: { Test: texts, Interval: nanoseconds, Timeout: nanoseconds, StartPeriod: nanoseconds },
            },
            nothing,
          ],
        },
        Labels: { title: 'texts by name', anyOf: [{ type: 'object', additionalProperties: text }, nothing] },
      },
    },
  },
} as const satisfies Shape

/**
 * The fields of an OCI image configuration that decide how a container of it runs (image-spec, config.md), and the health check
 * that Docker's images have.
 */
export type ImageConfig = XStatic<typeof imageConfigSchema>

/** Checks a parsed image configuration; unknown fields are left alone. Throws `IMAGE_CONFIG_INVALID`. */
export function parseImageConfig(value: unknown): ImageConfig {
  const faults = faultsOf(imageConfigSchema, value)
  if (isImageConfig(value, faults)) return value
  throw new SandboxError('IMAGE_CONFIG_INVALID', `cannot read image config: ${faults.map(formatFault).join('; ')}`)
}

/** The schema is where the type is inferred from, so a value without faults has it. */
function isImageConfig(_value: unknown, faults: readonly Fault[]): _value is ImageConfig {
  return faults.length === 0
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
