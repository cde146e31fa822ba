import { CoreError, type CoreErrorCode } from '#core'
import { DebianError, type DebianErrorCode } from '#debian'
import { ImageError, type ImageErrorCode } from '../errors.ts'

/** An error as it crosses from one thread to another: classes do not survive the trip, names and codes do. */
export interface PlainError {
  readonly name: string
  readonly code: string | undefined
  readonly message: string
}

/** Gives an error's plain form. */
export function plainError(error: unknown): PlainError {
  if (!(error instanceof Error)) return { name: 'Error', code: undefined, message: String(error) }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return { name: error.name, code, message: code === undefined ? (error.stack ?? error.message) : error.message }
}

/** Gives back the typed error; an error that was none of ours stays a plain one, with its stack as message. */
export function revivedError({ name, code, message }: PlainError): Error {
  switch (name) {
    case 'CoreError':
      return new CoreError(code as CoreErrorCode, message)
    case 'DebianError':
      return new DebianError(code as DebianErrorCode, message)
    case 'ImageError':
      return new ImageError(code as ImageErrorCode, message)
    default:
      return new Error(message)
  }
}
