import {
  type Checkpoint,
  chainNotes,
  type KeptCheckpoint,
  LEDGER_START,
  type Ledger,
  type LedgerEntry,
  type LedgerNote,
  type LedgerTip,
} from '#factory'
import type { Session } from '../database.ts'
import { StoreError } from '../errors.ts'
import { type Atomically, jsonText } from '../session.ts'

/** Whoever appends to the ledger or to the outbox holds this lock of the database until the transaction ends. */
export const APPEND_LOCK = 7_391_003

/** The ledger in PostgreSQL. */
export class StoredLedger implements Ledger {
  readonly #atomically: Atomically

  constructor(atomically: Atomically) {
    this.#atomically = atomically
  }

  async append(notes: readonly LedgerNote[]): Promise<readonly LedgerEntry[]> {
    if (notes.length === 0) return []
    return await this.#atomically(async (session) => {
      await session.query('wait for the ledger', 'select pg_advisory_xact_lock($1)', [APPEND_LOCK])
      const entries = chainNotes(await readTip(session), notes)
      await session.query(
        'append to the ledger',
        `insert into casemate.ledger_entry (sequence, at, kind, subject, body, previous, digest)
         select sequence, at, kind, subject, body::jsonb, previous, digest
         from unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
           as e (sequence, at, kind, subject, body, previous, digest)`,
        [
          entries.map(({ sequence }) => sequence),
          entries.map(({ at }) => at),
          entries.map(({ kind }) => kind),
          entries.map(({ subject }) => subject),
          entries.map(({ body }) => jsonText(body)),
          entries.map(({ previous }) => previous),
          entries.map(({ digest }) => digest),
        ],
      )
      return entries
    })
  }

  async tip(): Promise<LedgerTip> {
    return await this.#atomically(readTip)
  }

  async read(after: number, limit: number): Promise<readonly LedgerEntry[]> {
    return await this.#atomically(
      async (session) =>
        await session.query<LedgerEntry>(
          'read the ledger',
          `select sequence, at, kind, subject, body, previous, digest from casemate.ledger_entry
           where sequence > $1 order by sequence limit $2`,
          [after, limit],
        ),
    )
  }

  async ofKind(kind: 'excuse'): Promise<readonly LedgerEntry[]> {
    return await this.#atomically(
      async (session) =>
        await session.query<LedgerEntry>(
          'read the ledger',
          `select sequence, at, kind, subject, body, previous, digest from casemate.ledger_entry
           where kind = $1 order by sequence`,
          [kind],
        ),
    )
  }

  async keep({ sequence, digest, at }: Checkpoint, envelope: string): Promise<void> {
    await this.#atomically(async (session) => {
      const [entry] = await session.query<LedgerTip>(
        'find an entry of the ledger',
        'select sequence, digest from casemate.ledger_entry where sequence = $1',
        [sequence],
      )
      if (entry?.digest !== digest) {
        const found = entry === undefined ? 'it has no such entry' : `entry ${sequence} is ${entry.digest}`
        throw new StoreError(
          'RECORD_REFUSED',
          `cannot keep a checkpoint of the ledger at entry ${sequence} with ${digest}: ${found}`,
        )
      }
      await session.query(
        'keep a checkpoint',
        `insert into casemate.ledger_checkpoint (sequence, digest, at, envelope) values ($1, $2, $3, $4) on conflict (sequence) do nothing`,
        [sequence, digest, at, envelope],
      )
    })
  }

  async checkpoints(): Promise<readonly KeptCheckpoint[]> {
    return await this.#atomically(
      async (session) =>
        await session.query<KeptCheckpoint>(
          'read checkpoints',
          'select sequence, envelope from casemate.ledger_checkpoint order by sequence',
        ),
    )
  }
}

async function readTip(session: Session): Promise<LedgerTip> {
  const [tip] = await session.query<LedgerTip>(
    'read the end of the ledger',
    'select sequence, digest from casemate.ledger_entry order by sequence desc limit 1',
  )
  return tip ?? LEDGER_START
}
