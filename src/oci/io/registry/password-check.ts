import { createHmac, randomBytes } from 'node:crypto'
import { compare } from 'bcryptjs'
import { Refusal } from '../../registry/refusal.ts'

const REMEMBERED_MILLISECONDS = 60_000
const MAX_REMEMBERED = 10_000
const FAILURES_A_MINUTE = 20
/** A hash that no password has, so that a user who is not there takes as long as one who is. */
const NOBODY = '$2b$10$abcdefghijklmnopqrstuuR2pW5uVjVmH0GkVx9rHkO9bVYpQm6cK'

/** Tells right passwords from wrong ones, without being asked the same for every request or a thousand times a second. */
export class PasswordCheck {
  readonly #users: () => ReadonlyMap<string, string>
  readonly #key = randomBytes(32)
  readonly #right = new Map<string, number>()
  readonly #failures = new Map<string, { count: number; until: number }>()
  #turn: Promise<unknown> = Promise.resolve()

  constructor(users: () => ReadonlyMap<string, string>) {
    this.#users = users
  }

  /** Throws a `Refusal` of `TOOMANYREQUESTS` for a client that was wrong too often in a minute. */
  async isRight(user: string, password: string, client: string): Promise<boolean> {
    const now = performance.now()
    const hash = this.#users().get(user)
    const key = createHmac('sha256', this.#key)
      .update(JSON.stringify([user, password, hash]))
      .digest('hex')
    if ((this.#right.get(key) ?? 0) > now) return true
    const failures = this.#failures.get(client)
    if (failures !== undefined && failures.until > now && failures.count >= FAILURES_A_MINUTE) {
      const headers = { 'retry-after': '60' }
      throw new Refusal('TOOMANYREQUESTS', 'too many wrong passwords; come back in a minute', { headers })
    }
    // One at a time: a hash takes tens of milliseconds of the only processor that answers requests.
    const turn = this.#turn.then(() => compare(password, hash ?? NOBODY))
    this.#turn = turn.catch(() => undefined)
    const isRight = (await turn) && hash !== undefined
    if (isRight) this.#remember(this.#right, key, now + REMEMBERED_MILLISECONDS)
    else this.#noteFailure(client, now)
    return isRight
  }

  #noteFailure(client: string, now: number): void {
    const known = this.#failures.get(client)
    const isCurrent = known !== undefined && known.until > now
    const noted = isCurrent ? { ...known, count: known.count + 1 } : { count: 1, until: now + 60_000 }
    this.#remember(this.#failures, client, noted)
  }

  #remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
    map.delete(key)
    map.set(key, value)
    for (const oldest of map.keys()) {
      if (map.size <= MAX_REMEMBERED) break
      map.delete(oldest)
    }
  }
}
