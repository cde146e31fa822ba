import { messageOf } from '#core'
import { type DeliveryOutcome, type FactoryStore, isWanted, type Message } from '#factory'
import { MACHINE_CLOCK, type WatchClock } from '../watching/scheduler.ts'
import { GuardedPost } from './guarded-post.ts'
import { tellWebhook, WEBHOOK_PATIENCE, type Webhook, type WebhookPatience } from './webhook.ts'

/** What became of one attempt to tell. */
export interface Told {
  readonly webhook: string
  readonly message: Message
  readonly attempt: number
  readonly outcome: DeliveryOutcome
}

export interface TellerOptions {
  readonly store: FactoryStore
  readonly webhooks: readonly Webhook[]
  /** The URI reference by which this factory is known to whoever is told, e.g. `https://images.example.org`. */
  readonly source: string
  /**
   * Who an image belongs to, where a message does not say it; nobody is known unless given. Asked when a message is looked at, which is once:
   * it has to know from the beginning.
   */
  readonly ownerOf?: (image: string) => string | undefined
  readonly patience?: WebhookPatience
  readonly post?: GuardedPost
  readonly clock?: WatchClock
  /** Milliseconds between two looks at the outbox when nobody calls `wake`. */
  readonly every?: number
  /** Told of each attempt; one that is dead has to be said aloud. */
  readonly onTold?: (told: Told) => void
  /** Told of what goes wrong with the store; it is tried again. */
  readonly onTrouble?: (reason: string) => void
}

/** Messages that are looked at, and told at a time, for each webhook. */
const BATCH = { route: 500, take: 8 }
/** Milliseconds that whoever took a message has: longer than a request may take. */
const LEASE = 120_000

/** Tells what is in the outbox to webhooks: at least once, of each image in order. Any number of processes may do it. */
export class Teller {
  readonly #options: Required<TellerOptions>
  readonly #stop = new AbortController()
  #wake = new AbortController()
  #running: Promise<unknown> | undefined

  constructor(options: TellerOptions) {
    this.#options = {
      patience: WEBHOOK_PATIENCE,
      post: new GuardedPost(),
      clock: MACHINE_CLOCK,
      every: 2000,
      ownerOf: () => undefined,
      onTold: () => undefined,
      onTrouble: () => undefined,
      ...options,
    }
  }

  /** Begins. What was recorded before a webhook was known for the first time is not told to it. */
  start(): void {
    this.#running ??= Promise.all(this.#options.webhooks.map((webhook) => this.#tellAll(webhook)))
  }

  /** Has the outbox looked at now: to be called when something was recorded. */
  wake(): void {
    this.#wake.abort()
    this.#wake = new AbortController()
  }

  /** Ends. What is under way is broken off, and is told again by whoever comes next. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
    await this.#options.post.close()
  }

  async #tellAll(webhook: Webhook): Promise<void> {
    const { store, clock, every, onTrouble } = this.#options
    const stop = this.#stop.signal
    let isKnown = false
    while (!stop.aborted) {
      const wake = this.#wake.signal
      let rest = every
      try {
        if (!isKnown) await store.deliveries.subscribe(webhook.name)
        isKnown = true
        if (await this.#tellSome(webhook)) continue
        const due = await store.deliveries.nextDue(webhook.name)
        if (due !== undefined) rest = Math.min(every, Math.max(1, Date.parse(due) - clock.now().getTime()))
      } catch (error) {
        if (stop.aborted) return
        onTrouble(`cannot tell ${webhook.name}: ${messageOf(error)}`)
      }
      const ends = AbortSignal.any([stop, wake])
      await clock.sleep(rest, ends).catch((error: unknown) => {
        if (!ends.aborted) throw error
      })
    }
  }

  /** Does what there is to do now; gives whether there may be more. */
  async #tellSome(webhook: Webhook): Promise<boolean> {
    const { store, clock } = this.#options
    const wants = (message: Message) => isWanted(webhook.interest, this.#withOwner(message))
    const now = clock.now()
    const routed = await store.deliveries.route(webhook.name, wants, { limit: BATCH.route, now: now.toISOString() })
    const lease = new Date(now.getTime() + LEASE).toISOString()
    const due = await store.deliveries.take(webhook.name, { limit: BATCH.take, now: now.toISOString(), lease })
    await Promise.all(
      due.map(async (one) => {
        const { post, source, patience, onTold } = this.#options
        const tell = { post, source, patience, now: () => clock.now(), random: () => clock.random() }
        const told = { ...one, message: this.#withOwner(one.message) }
        const outcome = await tellWebhook(webhook, told, { ...tell, signal: this.#stop.signal })
        await store.deliveries.settle(webhook.name, one, outcome)
        onTold({ webhook: webhook.name, ...one, outcome })
      }),
    )
    return routed > 0 || due.length > 0
  }

  #withOwner(message: Message): Message {
    if (message.image === undefined || message.owner !== undefined) return message
    const owner = this.#options.ownerOf(message.image)
    return owner === undefined ? message : { ...message, owner }
  }
}
