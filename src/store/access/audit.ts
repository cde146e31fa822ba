import type { Moment } from '#factory'
import type { Atomically } from '../session.ts'

/** What somebody did at the API, or was refused. */
export interface AuditRecord {
  readonly at: Moment
  /** The number of the token; `undefined` for who said nothing that is known here. */
  readonly token: number | undefined
  /** The token's name, or `anonymous`. */
  readonly who: string
  /** The network address that it came from. */
  readonly address: string
  /** The number that the answer gave the request. */
  readonly request: string
  readonly action: string
  /** Method and path. */
  readonly target: string
  /** Of the answer, as HTTP has it. */
  readonly status: number
  /** Why it was refused; `undefined` for what was done. */
  readonly reason: string | undefined
}

/** An audit record in its place. Numbers grow in the order of recording. */
export interface KeptAuditRecord extends AuditRecord {
  readonly id: number
}

interface AuditRow extends Omit<KeptAuditRecord, 'token' | 'reason'> {
  readonly token: number | null
  readonly reason: string | null
}

/** The audit trail of the API, in PostgreSQL. */
export class AuditTrail {
  readonly #atomically: Atomically

  constructor(atomically: Atomically) {
    this.#atomically = atomically
  }

  async record({ at, token, who, address, request, action, target, status, reason }: AuditRecord): Promise<void> {
    await this.#atomically(async (session) => {
      await session.query(
        'record what was asked',
        `insert into casemate.audit_record (at, token, who, address, request, action, target, status, reason)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
        [at, token ?? null, who, address, request, action, target, status, reason ?? null],
      )
    })
  }

  /** At most `limit` records with smaller numbers than `before`, the newest first. */
  async list(before: number, limit: number): Promise<readonly KeptAuditRecord[]> {
    const rows = await this.#atomically(
      async (session) =>
        await session.query<AuditRow>(
          'read the audit trail',
          `select id, at, token, who, address, request, action, target, status, reason
           from casemate.audit_record where id < $1 order by id desc limit $2`,
          [before, limit],
        ),
    )
    return rows.map(({ token, reason, ...row }) => ({ ...row, token: token ?? undefined, reason: reason ?? undefined }))
  }
}
