import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { parseWebhookSecret, webhookHeaders } from './webhook-signature.ts'

const published = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const other = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const body = '{"test": 2432232314}'

test('the signature is that of the published example of Standard Webhooks', () => {
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1614265330, body }
  assert.deepEqual(webhookHeaders(message, [parseWebhookSecret(published, 'a test')]), {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
})

test('while a secret takes the place of another, receivers with either verify a message, and others do not', () => {
  const secrets = [published, other].map((text) => parseWebhookSecret(text, 'a test'))
  const headers = { ...webhookHeaders({ id: 'msg_1', timestamp: Math.floor(Date.now() / 1000), body }, secrets) }
  for (const secret of [published, other]) assert.deepEqual(new Webhook(secret).verify(body, headers), JSON.parse(body))
  const third = new Webhook(`whsec_${Buffer.alloc(32, 8).toString('base64')}`)
  assert.throws(() => third.verify(body, headers), /No matching signature/)
  assert.throws(() => new Webhook(published).verify(`${body} `, headers), /No matching signature/)
})

test('without a secret nothing is signed', () => {
  assert.deepEqual(Object.keys(webhookHeaders({ id: 'msg_1', timestamp: 1, body }, [])), [
    'webhook-id',
    'webhook-timestamp',
  ])
})

const broken: [string, RegExp][] = [
  ['hunter2', /want `whsec_` and base64/],
  ['whsec_', /want `whsec_` and base64/],
  [`whsec_${Buffer.alloc(23).toString('base64')}`, /it has 23 bytes, want 24 to 64/],
  [`whsec_${Buffer.alloc(65).toString('base64')}`, /it has 65 bytes/],
  ['whsec_AAAAA', /its base64 is broken/],
]
for (const [text, message] of broken) {
  test(`a secret of ${text.length} characters is refused without being shown: ${message.source}`, () => {
    assert.throws(
      () => parseWebhookSecret(text, 'env:HOOK'),
      (error: Error) =>
        message.test(error.message) && error.message.includes('env:HOOK') && !error.message.includes('hunter2'),
    )
  })
}
