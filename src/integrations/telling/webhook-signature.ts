import { createHmac } from 'node:crypto'
import { IntegrationError } from '../errors.ts'

/** What a webhook's messages are signed with. */
export interface WebhookSecret {
  readonly key: Uint8Array
}

/** Standard Webhooks wants 24 to 64 bytes. */
const KEY_BYTES = { least: 24, most: 64 }

/**
 * Reads a secret as Standard Webhooks writes it: `whsec_` and base64 of 24 to 64 bytes. `name` says where it came from. Throws
 * `WEBHOOK_INVALID`, without the secret in it.
 */
export function parseWebhookSecret(text: string, name: string): WebhookSecret {
  const invalid = (reason: string) =>
    new IntegrationError('WEBHOOK_INVALID', `cannot use the webhook's secret of ${name}: ${reason}`)
  const [, encoded] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text.trim()) ?? []
  if (encoded === undefined)
    throw invalid('want `whsec_` and base64, such as `echo whsec_$(openssl rand -base64 32)` gives')
  const key = Buffer.from(encoded, 'base64')
  if (key.toString('base64').replace(/=+$/, '') !== encoded.replace(/=+$/, '')) throw invalid('its base64 is broken')
  if (key.length < KEY_BYTES.least || key.length > KEY_BYTES.most) {
    throw invalid(`it has ${key.length} bytes, want ${KEY_BYTES.least} to ${KEY_BYTES.most}`)
  }
  return { key }
}

/** A message as it is sent: its id is the same each time, its time the one of this attempt, in seconds since 1970. */
export interface SignedMessage {
  readonly id: string
  readonly timestamp: number
  readonly body: string
}

/**
 * The headers of Standard Webhooks for a message, with a signature by each secret: while one takes the place of another, receivers
 * with either can verify it.
 */
export function webhookHeaders(
  { id, timestamp, body }: SignedMessage,
  secrets: readonly WebhookSecret[],
): Readonly<Record<string, string>> {
  const signatures = secrets.map(({ key }) => {
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
  })
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    ...(signatures.length === 0 ? {} : { 'webhook-signature': signatures.join(' ') }),
  }
}
