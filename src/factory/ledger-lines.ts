import type { LedgerLine } from './ledger-line.ts'
import type { Ledger } from './ports.ts'

/** Entries at a time. */
const BATCH = 1000

/** A whole ledger as lines: entries in order, each checkpoint behind the entry that it is about. */
export async function* ledgerLines(ledger: Ledger): AsyncGenerator<LedgerLine> {
  const envelopes = new Map((await ledger.checkpoints()).map(({ sequence, envelope }) => [sequence, envelope]))
  for (let last = 0; ; ) {
    const entries = await ledger.read(last, BATCH)
    for (const entry of entries) {
      yield { entry }
      const checkpoint = envelopes.get(entry.sequence)
      if (checkpoint !== undefined) yield { checkpoint }
      last = entry.sequence
    }
    if (entries.length < BATCH) return
  }
}
