import { CasemateError } from '#core'

/** Why something outside cannot be watched, told or looked at. */
export type IntegrationErrorCode =
  /** A watch was moved on by others again and again while this one compared. */
  | 'WATCH_OVERTAKEN'
  /** A folder of definitions cannot be read, or holds more than is read. */
  | 'FOLDER_INVALID'
  /** A Git repository cannot be fetched or read. */
  | 'GIT_FAILED'
  /** The address of a Git repository is one that is not fetched from. */
  | 'GIT_REFUSED'
  /** An image that is watched is not where it was. */
  | 'BASE_MISSING'
  /** The address of a webhook, or its secret, cannot be used. */
  | 'WEBHOOK_INVALID'
  /** A webhook leads to an internal address. */
  | 'WEBHOOK_REFUSED'
  /** A webhook did not take what it was told. */
  | 'WEBHOOK_FAILED'
  /** What runs in a cluster, or what manifests name, cannot be read. */
  | 'INVENTORY_INVALID'

/** Thrown by `integrations`. */
export class IntegrationError extends CasemateError<IntegrationErrorCode> {}
