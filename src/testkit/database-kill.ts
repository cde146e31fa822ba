import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hasSystemCode } from '#core'
import { eventKey } from '#factory'
import { checkLedger, type EmbeddedOptions, type OpenStore, openStore, runningPostmaster, startPostgres } from '#store'

const WRITERS = 4
const at = '2026-11-21T12:00:00.000Z'

/** What became of a database whose server was killed again and again under writers. */
export interface DatabaseKills {
  readonly kills: number
  /** Transactions that were acknowledged, each an event and its entry in the ledger. */
  readonly acknowledged: number
  /** Keys of those that are not there at the end, in one place or in both. */
  readonly lost: readonly string[]
  /** Keys of events without entry, and of entries without event. */
  readonly torn: readonly string[]
  /** Entries of the ledger, whose chain holds. */
  readonly entries: number
}

/**
 * Starts a server, lets writers write, kills it with SIGKILL, all its processes, at a random moment within `milliseconds`; so many times. Then looks at
 * what is there. Rejects with `LEDGER_BROKEN` where the ledger's chain does not hold.
 */
export async function killDatabase(
  options: EmbeddedOptions,
  kills: number,
  milliseconds: number,
): Promise<DatabaseKills> {
  const acknowledged: string[] = []
  for (let kill = 0; kill < kills; kill++) {
    const postgres = await startPostgres(options)
    const stores = await Promise.all(Array.from({ length: WRITERS }, () => openStore(postgres.address)))
    const writing = stores.map((store, writer) => write(store, `writer ${kill} ${writer}`))
    await sleep(randomInt(Math.ceil(milliseconds / 4), milliseconds))
    await killServer(options.folder)
    acknowledged.push(...(await Promise.all(writing)).flat())
    await Promise.all(stores.map((store) => store.close()))
    await postgres.stop()
  }
  const postgres = await startPostgres(options)
  const store = await openStore(postgres.address)
  try {
    const { sequence: entries } = await checkLedger(store.ledger)
    const noted = new Set((await store.ledger.read(0, entries)).map(({ subject }) => subject))
    const there = new Set((await store.events.open(entries + acknowledged.length)).map(({ key }) => key))
    const lost = acknowledged.filter((key) => !there.has(key) || !noted.has(key))
    return { kills, acknowledged: acknowledged.length, lost, torn: [...noted.symmetricDifference(there)], entries }
  } finally {
    await store.close()
    await postgres.stop()
  }
}

/** Kills the server with all its processes: those that write would otherwise end what they are at, and acknowledge it. */
async function killServer(folder: string): Promise<void> {
  const postmaster = await runningPostmaster(join(folder, 'cluster/data'))
  if (postmaster === undefined) throw new Error(`cannot kill the server in ${folder}: none runs`)
  const { pid } = postmaster
  const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
  for (const number of [pid, ...children.trim().split(/\s+/).map(Number)]) {
    try {
      process.kill(number, 'SIGKILL')
    } catch (error) {
      if (!hasSystemCode(error, 'ESRCH')) throw error
    }
  }
}

/** Records an event and its note in one transaction, again and again; gives the keys whose transactions were acknowledged. */
async function write(store: OpenStore, name: string): Promise<string[]> {
  const acknowledged: string[] = []
  for (let number = 0; ; number++) {
    const key = eventKey('asked', name, number)
    const isDone = await store
      .transaction(async ({ events, ledger }) => {
        await events.record([{ kind: 'asked', subject: name, key, payload: { number }, seen: at }])
        await ledger.append([{ kind: 'event', subject: key, body: { number }, at }])
        return true
      })
      .catch(() => false)
    if (!isDone) return acknowledged
    acknowledged.push(key)
  }
}
