import {
  type ClockSegment,
  clockSegments,
  type Excuse,
  excuseOf,
  type FindingWay,
  type Ledger,
  marksOf,
  type StandingLevel,
  standingOf,
} from '#factory'
import type { Serving } from './serving.ts'

/** A finding in an image: its way so far, and how it stands to its service level. */
export interface StandingFinding {
  readonly way: FindingWay
  readonly level: StandingLevel
  readonly segments: readonly ClockSegment[]
}

/** How findings stand now. */
export async function standingFindings(
  ways: readonly FindingWay[],
  { store, levels, now }: Pick<Serving, 'store' | 'levels' | 'now'>,
): Promise<readonly StandingFinding[]> {
  if (ways.length === 0) return []
  const excuses = await readExcuses(store.ledger)
  const at = now()
  return ways.map((way) => ({
    way,
    level: standingOf(way, { levels, excuses, now: at }),
    segments: clockSegments(marksOf(way)),
  }))
}

async function readExcuses(ledger: Ledger): Promise<readonly Excuse[]> {
  return (await ledger.ofKind('excuse')).map(excuseOf)
}
