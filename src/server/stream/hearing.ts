import { COMMON_EVENTS, type LedgerEntry } from '#factory'
import { type Caller, sees, seesAll } from '../access/rights.ts'

/** What entries say of the API itself; that is for those who may read the audit trail. */
const OF_ACCESS: readonly string[] = ['token', 'refusal']
const COMMON: readonly unknown[] = COMMON_EVENTS

/**
 * Whether somebody may hear of an entry of the ledger. Who may not see all images hears of those that he may see, which are the
 * subjects of entries, and of what is common to all; what is about neither is kept from him.
 */
export function mayHear(
  { role, images }: Pick<Caller, 'role' | 'images'>,
  { kind, subject, body }: LedgerEntry,
): boolean {
  if (OF_ACCESS.includes(kind)) return role === 'admin' && seesAll(images)
  if (seesAll(images)) return true
  const isCommon =
    kind === 'event' && typeof body === 'object' && body !== null && 'kind' in body && COMMON.includes(body.kind)
  return isCommon || sees(images, subject)
}
