import { type Ledger, LedgerCheck, type LedgerTip } from '#factory'

/** Entries at a time. */
const BATCH = 1000

/** Holds the whole ledger against its chain; gives where it ends. Rejects with `LEDGER_BROKEN` at the first entry that is not right. */
export async function checkLedger(ledger: Ledger): Promise<LedgerTip> {
  const check = new LedgerCheck()
  for (;;) {
    const entries = await ledger.read(check.tip.sequence, BATCH)
    for (const entry of entries) check.add(entry)
    if (entries.length < BATCH) return check.tip
  }
}
