import { OciError } from '../errors.ts'

/** The error codes of distribution-spec §error-codes, with the status that each has unless said otherwise. */
const STATUS = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 404,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  SIZE_INVALID: 400,
  UNAUTHORIZED: 401,
  DENIED: 403,
  UNSUPPORTED: 405,
  TOOMANYREQUESTS: 429,
  UNAVAILABLE: 503,
  UNKNOWN: 500,
} as const

/** A code that clients of a registry know. `UNAVAILABLE` and `UNKNOWN` are docker-registry's. */
export type RefusalCode = keyof typeof STATUS

/** What a refusal may say besides its code and its words. */
export interface RefusalOptions {
  readonly status?: number
  readonly detail?: Readonly<Record<string, string | number | readonly string[]>>
  readonly headers?: Readonly<Record<string, string>>
  readonly cause?: unknown
}

/** A request that a registry does not do, in the words of distribution-spec §error-codes. */
export class Refusal extends OciError {
  readonly status: number
  readonly refusal: RefusalCode
  readonly detail: RefusalOptions['detail']
  readonly headers: Readonly<Record<string, string>>

  constructor(refusal: RefusalCode, message: string, options: RefusalOptions = {}) {
    super('REQUEST_REFUSED', message, { cause: options.cause })
    this.refusal = refusal
    this.status = options.status ?? STATUS[refusal]
    this.detail = options.detail
    this.headers = options.headers ?? {}
  }

  /** The document that the client gets. */
  document(): string {
    const { refusal: code, message, detail } = this
    return JSON.stringify({ errors: [{ code, message, ...(detail === undefined ? {} : { detail }) }] })
  }
}
