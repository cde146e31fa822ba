import type { Digest } from '#core'
import type { Moment } from '#factory'
import { StoreError } from '../errors.ts'
import { type Atomically, onlyRow } from '../session.ts'

/** What somebody with a token may be. What each may do, `server` says. */
export type TokenRole = 'reader' | 'approver' | 'operator' | 'admin'

/** A token that is to be kept: never itself, only its digest. */
export interface NewToken {
  /** What people call it: whose it is, or what for. */
  readonly name: string
  readonly role: TokenRole
  /** Patterns of names of images, as `matchesNamePattern` reads them. */
  readonly images: readonly string[]
  readonly digest: Digest
  readonly by: string
  readonly made: Moment
  /** `undefined` for one that holds until it is revoked. */
  readonly expires: Moment | undefined
}

/** A token that is kept. */
export interface AccessToken extends NewToken {
  readonly id: number
  /** When and by whom it was revoked; `undefined` for one that was not. */
  readonly revoked: { readonly by: string; readonly at: Moment } | undefined
}

interface TokenRow extends Omit<AccessToken, 'expires' | 'revoked'> {
  readonly expires: Moment | null
  readonly ended_by: string | null
  readonly ended: Moment | null
}

const SELECT = `
  select t.id, t.name, t.role, t.images, t.digest, t.made_by as by, t.made, t.expires, e.ended_by, e.ended
  from casemate.access_token t left join casemate.access_token_end e on e.token = t.id`

/** The tokens of the API, in PostgreSQL. */
export class AccessTokens {
  readonly #atomically: Atomically
  readonly #reading: Atomically

  /** `reading` is for what one statement answers. */
  constructor(atomically: Atomically, reading: Atomically) {
    this.#atomically = atomically
    this.#reading = reading
  }

  /** Keeps a token; gives its number. Rejects with `RECORD_REFUSED` for a digest that is kept already. */
  async add({ name, role, images, digest, by, made, expires }: NewToken): Promise<number> {
    return await this.#atomically(async (session) => {
      const rows = await session.query<{ id: number }>(
        'keep a token',
        `insert into casemate.access_token (name, role, images, digest, made_by, made, expires)
         values ($1, $2, $3, $4, $5, $6, $7) returning id`,
        [name, role, images, digest, by, made, expires ?? null],
      )
      return onlyRow(rows, 'keep a token').id
    })
  }

  /** The token with a digest, revoked and expired ones too; `undefined` when there is none. */
  async find(digest: Digest): Promise<AccessToken | undefined> {
    const [row] = await this.#select('where t.digest = $1', [digest])
    return row
  }

  /** At most `limit` tokens with smaller numbers than `before`, the newest first. */
  async list(before: number, limit: number): Promise<readonly AccessToken[]> {
    return await this.#select('where t.id < $1 order by t.id desc limit $2', [before, limit])
  }

  /** Ends a token for good; who comes second with it changes nothing. Rejects with `RECORD_REFUSED` when there is no such token. */
  async revoke(id: number, by: string, at: Moment): Promise<void> {
    await this.#atomically(async (session) => {
      const [known] = await session.query('find a token', 'select 1 from casemate.access_token where id = $1', [id])
      if (known === undefined) throw new StoreError('RECORD_REFUSED', `cannot revoke token ${id}: there is none`)
      await session.query(
        'revoke a token',
        'insert into casemate.access_token_end (token, ended_by, ended) values ($1, $2, $3) on conflict (token) do nothing',
        [id, by, at],
      )
    })
  }

  async #select(filter: string, values: readonly unknown[]): Promise<AccessToken[]> {
    const rows = await this.#reading(
      async (session) => await session.query<TokenRow>('read tokens', `${SELECT} ${filter}`, values),
    )
    return rows.map(({ expires, ended_by: by, ended: at, ...token }) => ({
      ...token,
      expires: expires ?? undefined,
      revoked: by === null || at === null ? undefined : { by, at },
    }))
  }
}
