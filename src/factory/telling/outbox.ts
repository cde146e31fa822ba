import type { Moment } from '../moment.ts'
import type { Message, NewMessage } from './message.ts'

/** What is to be told to whoever wants to know. */
export interface Outbox {
  /** Appends messages; gives them with their numbers. Writers wait for each other, so it belongs at the end of a transaction. */
  add(messages: readonly NewMessage[]): Promise<readonly Message[]>
  /** Messages of an image, or of everything, the newest first. */
  latest(image: string | undefined, limit: number): Promise<readonly Message[]>
  /** The number of the last message; 0 where there is none. */
  tip(): Promise<number>
  /**
   * Forgets messages from before a moment that have come to their end with every one of some subscribers, with what became of them; the newest of
   * each image stay. What is under way to nobody of these goes as well. Gives how many are forgotten.
   */
  forget(forgetting: Forgetting): Promise<number>
}

/** Which messages are forgotten. */
export interface Forgetting {
  readonly before: Moment
  /** Who is told at present: of somebody else nothing is waited for. */
  readonly subscribers: readonly string[]
  /** So many of the newest messages of each image stay, and of those that concern no image. */
  readonly keep: number
}

/** The way of messages to those who are told. Each is told at least once, and of each image in order. */
export interface Deliveries {
  /** Begins to tell a subscriber what comes from now on. Idempotent: one that is known goes on where it is. */
  subscribe(subscriber: string): Promise<void>
  /**
   * Looks at up to `limit` messages that were not looked at for a subscriber yet, and lets those that it wants be under way. Gives
   * how many it looked at. Messages are looked at once, by whichever process.
   */
  route(subscriber: string, wants: (message: Message) => boolean, options: RouteOptions): Promise<number>
  /**
   * Takes messages that are due for a subscriber, at most one an image and none before an earlier one of the same image has come to its end.
   * Whoever took them has until `lease` to say what became of them, then they are due again.
   */
  take(subscriber: string, options: TakeDueOptions): Promise<readonly DueMessage[]>
  /** Records what became of an attempt. A message that is delivered or dead is under way no longer. */
  settle(subscriber: string, due: DueMessage, outcome: DeliveryOutcome): Promise<void>
  /** When the next message of a subscriber is due; `undefined` where none is under way. */
  nextDue(subscriber: string): Promise<Moment | undefined>
}

export interface RouteOptions {
  readonly limit: number
  readonly now: Moment
}

export interface TakeDueOptions {
  readonly limit: number
  readonly now: Moment
  readonly lease: Moment
}

/** A message that is to be told now. */
export interface DueMessage {
  readonly message: Message
  /** From 1. */
  readonly attempt: number
}

/** What became of an attempt to tell a message. */
export type DeliveryOutcome = { readonly at: Moment } & (
  | { readonly state: 'delivered' }
  | { readonly state: 'failed'; readonly reason: string; readonly again: Moment }
  | { readonly state: 'dead'; readonly reason: string }
)
