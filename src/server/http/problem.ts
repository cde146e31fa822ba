import { CasemateError, type Fault, formatPath } from '#core'
import { ServerError, type ServerErrorCode } from '../errors.ts'

/** Which status a refusal has, and the title of its kind (RFC 9457 §3.1). */
const KINDS: Readonly<Record<ServerErrorCode, readonly [number, string]>> = {
  REQUEST_INVALID: [400, 'The request is not as the description says'],
  TOKEN_INVALID: [400, 'The token cannot be made'],
  TOKEN_MISSING: [401, 'A token is needed'],
  TOKEN_REFUSED: [401, 'The token is not taken'],
  RIGHT_MISSING: [403, 'The token does not allow this'],
  NOT_THERE: [404, 'There is no such thing'],
  METHOD_UNKNOWN: [405, 'This cannot be asked that way'],
  REQUEST_SLOW: [408, 'The request came too slowly'],
  STATE_CONFLICT: [409, 'This cannot be done now'],
  REQUEST_TOO_LARGE: [413, 'The request is too large'],
  PATH_TOO_LONG: [414, 'The path is too long'],
  MEDIA_TYPE_UNKNOWN: [415, 'The body is not JSON'],
  HOST_UNKNOWN: [421, 'This server has another name'],
  REQUESTS_TOO_MANY: [429, 'There are too many requests'],
  COMMAND_UNAVAILABLE: [503, 'Nobody here does this'],
  SERVER_STOPPING: [503, 'The server is about to stop'],
  LISTEN_FAILED: [500, 'The server failed'],
}

/** Codes of other modules that say that what was asked cannot be. */
const CONFLICTS = new Set(['RECORD_REFUSED', 'RELEASE_UNKNOWN', 'PUBLISH_CONTESTED'])
/** Codes that say that what is needed is away at the moment. */
const ABSENCES = new Set(['DATABASE_FAILED'])

/** What can be wrong in one place of a request. */
export interface PlacedProblem {
  readonly at: string
  readonly message: string
}

/** A refusal with everything that its answer says. */
export class Problem extends Error {
  readonly code: string
  readonly status: number
  readonly title: string
  readonly headers: Readonly<Record<string, string>>
  readonly errors: readonly PlacedProblem[]

  constructor(
    { code, status, title }: { code: string; status: number; title: string },
    detail: string,
    options: { headers?: Readonly<Record<string, string>>; errors?: readonly PlacedProblem[]; cause?: unknown } = {},
  ) {
    super(detail, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.status = status
    this.title = title
    this.headers = options.headers ?? {}
    this.errors = options.errors ?? []
  }

  /** The document (RFC 9457): `type` is stable, `detail` is for people, `instance` names the request in logs and audit trail. */
  document(request: string): object {
    return {
      type: `urn:casemate:problem:${this.code}`,
      title: this.title,
      status: this.status,
      detail: this.message,
      instance: `urn:casemate:request:${request}`,
      code: this.code,
      ...(this.errors.length === 0 ? {} : { errors: this.errors }),
    }
  }
}

/** A refusal by one of the server's own codes. */
export function problem(
  code: ServerErrorCode,
  detail: string,
  options: { headers?: Readonly<Record<string, string>>; errors?: readonly PlacedProblem[]; cause?: unknown } = {},
): Problem {
  const [status, title] = KINDS[code]
  return new Problem({ code, status, title }, detail, options)
}

/** What is wrong with a part of a request. */
export function invalidRequest(part: string, faults: readonly Fault[]): Problem {
  const errors = faults
    .slice(0, 20)
    .map(({ path, message }) => ({ at: [part, formatPath(path)].filter(Boolean).join(' '), message }))
  const [first] = errors
  return problem('REQUEST_INVALID', `cannot take the request: ${first?.at}: ${first?.message}`, { errors })
}

/**
 * What a client is told of anything that was thrown. A fault that is not the client's says no more than that there was one; why
 * is for the operator's eyes, under the number of the request.
 */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof ServerError) return problem(error.code, error.message, { cause: error })
  if (error instanceof CasemateError) {
    const { code, message } = error
    if (CONFLICTS.has(code))
      return new Problem({ code, status: 409, title: KINDS.STATE_CONFLICT[1] }, message, { cause: error })
    if (ABSENCES.has(code)) {
      const away = { code, status: 503, title: 'The factory’s memory cannot be reached' }
      return new Problem(away, 'cannot answer: the database does not', {
        cause: error,
        headers: { 'retry-after': '5' },
      })
    }
  }
  const fault = { code: 'SERVER_FAILED', status: 500, title: 'The server failed' }
  return new Problem(fault, 'cannot answer: the server failed, and has noted why', { cause: error })
}
