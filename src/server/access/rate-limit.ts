/** How many requests a client may make. */
export interface Rate {
  /** At once. */
  readonly burst: number
  /** On the long run. */
  readonly perSecond: number
}

/** Clients that are remembered. Who was quiet for longest is forgotten first, and would have had all his requests again anyway. */
const CLIENTS = 10_000

/** A token bucket for each client, in bounded memory. */
export class RateLimit {
  readonly #rate: Rate
  readonly #now: () => number
  readonly #buckets = new Map<string, { left: number; at: number }>()

  /** `now` gives milliseconds of a clock that never goes back. */
  constructor(rate: Rate, now: () => number) {
    this.#rate = rate
    this.#now = now
  }

  /** Takes one request of a client; gives 0, or in how many seconds it may come again. */
  take(client: string): number {
    const { burst, perSecond } = this.#rate
    const now = this.#now()
    const known = this.#buckets.get(client) ?? { left: burst, at: now }
    const left = Math.min(burst, known.left + ((now - known.at) / 1000) * perSecond)
    // Taken out and put in again, the map is in the order of last use.
    this.#buckets.delete(client)
    this.#buckets.set(client, { left: left < 1 ? left : left - 1, at: now })
    if (this.#buckets.size > CLIENTS) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest)
        break
      }
    }
    return left < 1 ? Math.ceil((1 - left) / perSecond) : 0
  }
}

/** What stands for one client's addresses: of IPv6 the /64, of which whoever has one has all. */
export function clientKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped?.[1] !== undefined) return mapped[1]
  if (!address.includes(':')) return address
  const [head = '', tail = ''] = address.split('%')[0]?.split('::') ?? []
  const first = head === '' ? [] : head.split(':')
  const last = tail === '' ? [] : tail.split(':')
  const all = address.includes('::')
    ? [...first, ...Array(Math.max(0, 8 - first.length - last.length)).fill('0'), ...last]
    : first
  return `${all.slice(0, 4).join(':')}::/64`
}
