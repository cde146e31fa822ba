import { canonicalJson, type Json } from '#core'
import type { Session } from './database.ts'
import { StoreError } from './errors.ts'

/** Does some statements whole or not at all: in a transaction of their own, or as a part of one that is under way. */
export type Atomically = <Result>(work: (session: Session) => Promise<Result>) => Promise<Result>

/** A value as a parameter that becomes `jsonb`: node-postgres would write a list as an SQL array. Throws `JSON_INVALID`. */
export function jsonText(value: Json): string {
  return canonicalJson(value)
}

/** The only row of an answer that has to have one. Throws `RECORD_INVALID` where there is none. */
export function onlyRow<Row>([row]: readonly Row[], doing: string): Row {
  if (row === undefined) throw new StoreError('RECORD_INVALID', `cannot ${doing}: the database has no row of it`)
  return row
}
