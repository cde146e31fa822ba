import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killDatabase, serverOptions, TEST_SERVERS } from '#testkit'

/**
 * Kills the database's server with SIGKILL under four writers, so many times for each PostgreSQL, on disk. Holds when every
 * transaction that was acknowledged is there whole, none is torn, and the ledger's chain holds.
 */
export async function run([times = '50']: readonly string[]): Promise<{ holds: boolean; lines: string[] }> {
  const lines: string[] = []
  let holds = true
  for (const server of TEST_SERVERS) {
    const folder = await mkdtemp(join(tmpdir(), 'cm-db-'))
    try {
      const { kills, acknowledged, lost, torn, entries } = await killDatabase(
        serverOptions(server, folder),
        Number(times),
        1000,
      )
      holds &&= lost.length === 0 && torn.length === 0 && acknowledged > kills
      lines.push(
        `${server}: ${kills} kills, ${acknowledged} transactions acknowledged, ${lost.length} of them lost, ${torn.length} torn, ` +
          `${entries} entries in a chain that holds`,
      )
    } finally {
      await rm(folder, { recursive: true })
    }
  }
  return { holds, lines }
}
