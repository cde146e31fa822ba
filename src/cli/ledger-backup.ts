import { openState, reachDatabase, readBackup, statePlace, writeBackup } from '#store'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import type { LedgerOptions } from './ledger.ts'
import type { Terminal } from './terminal.ts'

/** Writes everything that the factory remembers to a file. */
export async function runBackup(file: string, { state }: LedgerOptions, terminal: Terminal): Promise<ExitStatus> {
  const opened = await openState(statePlace(process.env, state))
  try {
    const rows = await writeBackup(opened.store.database, file)
    terminal.print(`wrote ${rows} rows to ${file}`)
  } finally {
    await opened.close()
  }
  return exitStatus.done
}

/** Takes a backup into an empty database. */
export async function runRestore(file: string, { state }: LedgerOptions, terminal: Terminal): Promise<ExitStatus> {
  const { address, postgres } = await reachDatabase(statePlace(process.env, state), { create: true })
  try {
    const rows = await readBackup(address, file)
    terminal.print(`restored ${rows} rows from ${file}`)
  } finally {
    await postgres?.stop()
  }
  return exitStatus.done
}
