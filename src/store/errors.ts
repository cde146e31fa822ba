import { CasemateError } from '#core'

/** Why the factory's state cannot be opened, read, written, or carried elsewhere. */
export type StoreErrorCode =
  /** Nothing here can serve the database's files: no PostgreSQL, or none of their major version. */
  | 'POSTGRES_MISSING'
  /** PostgreSQL does not run as root, and no existing user was named, or one that cannot serve. */
  | 'POSTGRES_USER'
  /** PostgreSQL ended, or did not answer in time. */
  | 'POSTGRES_FAILED'
  /** Another process of Casemate runs the database in this folder. */
  | 'DATABASE_LOCKED'
  /** A text names no PostgreSQL database. */
  | 'DATABASE_INVALID'
  /** The database does not keep what it acknowledged, or is too old, or not in UTF-8. */
  | 'DATABASE_UNSAFE'
  /** The database could not be reached, or refused what it was asked. */
  | 'DATABASE_FAILED'
  /** A newer Casemate has been here: this one would not understand what it reads. */
  | 'DATABASE_NEWER'
  /** A migration that was applied is not the one that this program has. */
  | 'MIGRATION_CHANGED'
  /** What is to be recorded cannot be: something that it refers to is not there, or a text that PostgreSQL cannot hold. */
  | 'RECORD_REFUSED'
  /** A row is not as this program writes it. */
  | 'RECORD_INVALID'
  /** A backup cannot be written, or its file not read. */
  | 'BACKUP_FAILED'
  /** A file is no whole backup, or of a format that is not known here. */
  | 'BACKUP_INVALID'
  /** The database that a backup is to be restored into is not empty. */
  | 'RESTORE_REFUSED'

/** Thrown by `store`. */
export class StoreError extends CasemateError<StoreErrorCode> {}
