import { CasemateError } from '#core'

/** Why the server refuses a request. */
export type ServerErrorCode =
  /** A path, a parameter, a header or a body is not as the API's description says. */
  | 'REQUEST_INVALID'
  /** The body came too slowly. */
  | 'REQUEST_SLOW'
  /** The body is longer than is taken. */
  | 'REQUEST_TOO_LARGE'
  /** The path with its query is longer than is taken. */
  | 'PATH_TOO_LONG'
  /** The body is not JSON by its type. */
  | 'MEDIA_TYPE_UNKNOWN'
  /** The request names another host than this server is known by: some page on the web may have sent it. */
  | 'HOST_UNKNOWN'
  /** Nobody may do this without a token. */
  | 'TOKEN_MISSING'
  /** The token is not known here, was revoked, or has expired. */
  | 'TOKEN_REFUSED'
  /** What a token is to be, or to be for, cannot be. */
  | 'TOKEN_INVALID'
  /** The token's role does not include this, or it is not for all images. */
  | 'RIGHT_MISSING'
  /** There is no such thing, or none that this token is for: both are the same answer. */
  | 'NOT_THERE'
  /** The path cannot be asked that way. */
  | 'METHOD_UNKNOWN'
  /** Things are such that this cannot be done, e.g. a run that has ended cannot be cancelled. */
  | 'STATE_CONFLICT'
  /** More requests, or more streams at a time, than are taken from one client. */
  | 'REQUESTS_TOO_MANY'
  /** The part of the factory that does this does not run in this process. */
  | 'COMMAND_UNAVAILABLE'
  /** The server is about to stop. */
  | 'SERVER_STOPPING'
  /** The server's address cannot be listened on. */
  | 'LISTEN_FAILED'

/** Thrown by `server`. */
export class ServerError extends CasemateError<ServerErrorCode> {}
