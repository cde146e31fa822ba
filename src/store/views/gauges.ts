import type { Moment } from '#factory'
import type { Session } from '../database.ts'

/** How the factory stands, in numbers. */
export interface FactoryGauges {
  readonly images: number
  readonly releases: number
  /** Events that no plan answers yet, and when the first of them was seen. */
  readonly openEvents: number
  readonly oldestEvent: Moment | null
  /** Runs that are not over. */
  readonly openRuns: number
  readonly openFindings: number
  readonly fixableFindings: number
  /** When the fix came that has waited longest to be published. */
  readonly oldestFix: Moment | null
  readonly ledgerEntries: number
}

/** Counts what there is now. */
export async function readGauges(session: Session): Promise<FactoryGauges> {
  const [row] = await session.query<FactoryGauges>(
    'count what there is',
    `with finding as (
       select bool_or(mark = 'published') as closed, min(at) filter (where mark = 'fix-available') as fixed
       from casemate.clock_mark group by image, finding)
     select (select count(*) from casemate.image_head) as images,
       (select coalesce(max(id), 0) from casemate.release) as releases,
       (select count(*) from casemate.open_event) as "openEvents",
       (select min(seen) from casemate.open_event) as "oldestEvent",
       (select count(*) from casemate.open_run) as "openRuns",
       (select count(*) from finding where not closed) as "openFindings",
       (select count(*) from finding where not closed and fixed is not null) as "fixableFindings",
       (select min(fixed) from finding where not closed) as "oldestFix",
       (select coalesce(max(sequence), 0) from casemate.ledger_entry) as "ledgerEntries"`,
  )
  if (row === undefined) throw new Error('a query of counts gives one row')
  return row
}
