import { readFile } from 'node:fs/promises'
import { canonicalJson, digestOf, hexOf, messageOf } from '#core'
import {
  cloudEventOf,
  type DeliveryOutcome,
  type DueMessage,
  type Interest,
  type SecretPlace,
  type Subscription,
} from '#factory'
import { IntegrationError } from '../errors.ts'
import type { GuardedPost, PostTarget } from './guarded-post.ts'
import { parseWebhookSecret, type WebhookSecret, webhookHeaders } from './webhook-signature.ts'

/** Somebody who is told by a webhook. */
export interface Webhook {
  /** The same for the same place among the same addresses, so that what is under way stays under way. Shows no path. */
  readonly name: string
  readonly target: PostTarget
  readonly secrets: readonly WebhookSecret[]
  readonly interest: Interest
}

/** How long a message is tried. In milliseconds. */
export interface WebhookPatience {
  /** Before the second attempt; three times as long before each further one. */
  readonly first: number
  readonly longest: number
  /** A message that is older than this and fails is given up. */
  readonly giveUp: number
}

export const WEBHOOK_PATIENCE: WebhookPatience = { first: 5000, longest: 3_600_000, giveUp: 3 * 86_400_000 }

/**
 * Makes webhooks ready: reads their secrets. Rejects with `WEBHOOK_INVALID` for a secret that is not there or none, and for an
 * address that is none.
 */
export async function openWebhooks(
  subscriptions: readonly Subscription[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<readonly Webhook[]> {
  const seen = new Map<string, number>()
  const webhooks: Webhook[] = []
  for (const { webhook, secrets, interest, mayBeInternal } of subscriptions) {
    const url = targetUrl(webhook)
    const count = (seen.get(url.href) ?? 0) + 1
    seen.set(url.href, count)
    const place = `${url.host} ${hexOf(digestOf(url.href)).slice(0, 12)}`
    webhooks.push({
      name: count === 1 ? place : `${place} ${count}`,
      target: { url, mayBeInternal },
      secrets: await Promise.all(secrets.map((secret) => readSecret(secret, environment))),
      interest,
    })
  }
  return webhooks
}

/** Who tells, and when it is. */
export interface TellOptions {
  readonly post: GuardedPost
  /** The URI reference by which this factory is known. */
  readonly source: string
  readonly patience: WebhookPatience
  readonly now: () => Date
  /** From 0 to 1. */
  readonly random: () => number
  readonly signal: AbortSignal
}

/** Tells a message once, and says what is to be recorded of that. Rejects only when the signal says so. */
export async function tellWebhook(webhook: Webhook, due: DueMessage, options: TellOptions): Promise<DeliveryOutcome> {
  const { post, source, now, signal } = options
  const event = cloudEventOf(due.message, source)
  const body = canonicalJson(event)
  const timestamp = Math.floor(now().getTime() / 1000)
  const headers = {
    'content-type': 'application/cloudevents+json; charset=utf-8',
    ...webhookHeaders({ id: event.id, timestamp, body }, webhook.secrets),
  }
  try {
    const { status, retryAfter } = await post.post(webhook.target, body, headers, signal)
    if (status >= 200 && status < 300) return { state: 'delivered', at: now().toISOString() }
    const reason = `it answered ${status}${status >= 300 && status < 400 ? ', a redirect, which is not followed' : ''}`
    // Standard Webhooks: whoever is gone does not want to be told again.
    if (status === 410) return { state: 'dead', reason, at: now().toISOString() }
    return failure(due, reason, retryAfter, options)
  } catch (error) {
    signal.throwIfAborted()
    return failure(due, messageOf(error), undefined, options)
  }
}

function failure(
  { message, attempt }: DueMessage,
  reason: string,
  retryAfter: number | undefined,
  { patience, now, random }: TellOptions,
): DeliveryOutcome {
  const at = now()
  if (at.getTime() - Date.parse(message.at) > patience.giveUp) {
    return { state: 'dead', reason: `given up after attempt ${attempt}: ${reason}`, at: at.toISOString() }
  }
  const pause = Math.min(patience.longest, patience.first * 3 ** Math.min(attempt - 1, 20)) * (0.8 + 0.4 * random())
  const wait = Math.max(pause, Math.min(retryAfter ?? 0, patience.giveUp))
  return { state: 'failed', reason, again: new Date(at.getTime() + wait).toISOString(), at: at.toISOString() }
}

function targetUrl(text: string): URL {
  const url = URL.parse(text)
  const invalid = (reason: string) => new IntegrationError('WEBHOOK_INVALID', `cannot use a webhook: ${reason}`)
  if (url === null) throw invalid('its address is none')
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw invalid(`its address begins with ${url.protocol}, want https: or http:`)
  if (url.username !== '' || url.password !== '')
    throw invalid(`the address at ${url.host} has a user or password in it`)
  return url
}

async function readSecret(
  place: SecretPlace,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<WebhookSecret> {
  if ('environment' in place) {
    const text = environment[place.environment]
    if (text !== undefined && text !== '') return parseWebhookSecret(text, `env:${place.environment}`)
    const reason = 'there is no such variable in the environment'
    throw new IntegrationError(
      'WEBHOOK_INVALID',
      `cannot use the webhook's secret of env:${place.environment}: ${reason}`,
    )
  }
  const text = await readFile(place.file, 'utf8').catch((cause: unknown) => {
    const message = `cannot use the webhook's secret of file:${place.file}: ${messageOf(cause)}`
    throw new IntegrationError('WEBHOOK_INVALID', message, { cause })
  })
  return parseWebhookSecret(text, `file:${place.file}`)
}
