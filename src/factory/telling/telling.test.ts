import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { digestOf } from '#core'
import { CLOUD_EVENT_TYPES, type CloudEvent, cloudEventOf } from './cloud-event.ts'
import { messagesOfEvent } from './event-messages.ts'
import { MESSAGE_KINDS, type Message, type NewMessage } from './message.ts'
import { failedMessage, heldMessage, lateMessage, releaseMessage } from './messages.ts'

const at = '2026-11-22T12:00:00.000Z'
const source = 'https://images.example.org'
const image = { image: 'python', owner: 'platform-team' }
const change = { package: 'libssl3t64', from: '3.5.1-1', to: '3.5.1-2' }
const reasons = [{ event: 41, advisories: ['CVE-2026-1000'], changes: [change] }]
const late = {
  finding: 'CVE-2026-1000 openssl',
  severity: 'critical',
  since: '2026-11-20T12:00:00.000Z',
  due: '2026-11-22T12:00:00.000Z',
  fix: '3.5.1-2',
} as const
const name = (digest: string, released: string) => ({ digest: digestOf(digest), tags: ['3.13.5', '3.13'], released })

/** One message of each kind, as its maker writes it. */
const samples: readonly NewMessage[] = [
  releaseMessage(image, {
    image: 'python',
    variant: 'runtime',
    from: name('before', '2026-11-14T12:00:00.000Z'),
    to: name('after', at),
    packages: [{ ...change, source: 'openssl' }],
    findings: { closed: [{ id: 'CVE-2026-1000', package: 'openssl', severity: 'critical' }], opened: [] },
    contract: [],
  }),
  heldMessage(
    image,
    { by: 'policy', reason: 'frozen for holidays', until: '2027-01-04T00:00:00.000Z' },
    { plan: 17, reasons, severity: 'medium', at },
  ),
  failedMessage(image, { run: 23, reason: 'test: speaks TLS: exit status 1', severity: 'critical', at }),
  lateMessage('warning', image, late, '2026-11-22T00:00:00.000Z'),
  lateMessage('breach', image, late, at),
  ...messagesOfEvent({
    id: 42,
    kind: 'archive-alarm',
    subject: 'debian-13/trixie-security',
    key: '',
    payload: {
      archive: 'debian-13',
      suite: 'trixie-security',
      alarm: 'stale',
      reason: 'its newest state is of 2026-11-19T09:12:04Z, 74 hours ago',
    },
    seen: at,
  }),
  ...messagesOfEvent({
    id: 43,
    kind: 'end-of-life',
    subject: 'python',
    key: '',
    payload: { image: 'python', which: 'archive', date: '2028-08-09', days: 90 },
    seen: at,
  }),
]
const events = samples.map((sample, index) => cloudEventOf({ ...sample, id: 1001 + index }, source))

/** What CloudEvents 1.0 says of its required and optional attributes in the JSON form. */
const ajv = new Ajv({ strict: false })
addFormats.default(ajv)
const isCloudEvent = ajv.compile({
  type: 'object',
  required: ['id', 'source', 'specversion', 'type'],
  propertyNames: { pattern: '^[a-z0-9]{1,20}$' },
  properties: {
    id: { type: 'string', minLength: 1 },
    source: { type: 'string', minLength: 1, format: 'uri-reference' },
    specversion: { const: '1.0' },
    type: { type: 'string', pattern: '^[a-z]+(\\.[a-z0-9-]+)+$' },
    subject: { type: 'string', minLength: 1 },
    time: { type: 'string', format: 'date-time' },
    datacontenttype: { const: 'application/json' },
    data: { type: 'object' },
  },
  additionalProperties: false,
})

test('each kind of message is a CloudEvent of a type of its own', () => {
  assert.deepEqual(new Set(samples.map(({ kind }) => kind)), new Set(MESSAGE_KINDS))
  for (const event of events) assert.ok(isCloudEvent(event), JSON.stringify(isCloudEvent.errors))
  assert.equal(new Set(Object.values(CLOUD_EVENT_TYPES)).size, MESSAGE_KINDS.length)
})

test('the examples of docs/webhooks.md are what is sent', () => {
  const page = readFileSync(new URL('../../../docs/webhooks.md', import.meta.url), 'utf8')
  const blocks = [...page.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, text = '']): CloudEvent => JSON.parse(text))
  assert.deepEqual(blocks, events)
})

test('a message has the same id however often it is written, and another one from another factory', () => {
  const message: Message = { ...samples[0]!, id: 7 }
  assert.equal(cloudEventOf(message, source).id, cloudEventOf(message, source).id)
  assert.notEqual(cloudEventOf(message, source).id, cloudEventOf(message, `${source}/other`).id)
  assert.notEqual(cloudEventOf(message, source).id, cloudEventOf({ ...message, id: 8 }, source).id)
})

const titles: [string, string][] = [
  ['release', 'python 3.13.5 is published: closes CVE-2026-1000, 1 package changed'],
  ['held', 'python is held by policy: frozen for holidays, until 2027-01-04T00:00:00.000Z'],
  ['failed', 'python could not be released: test: speaks TLS: exit status 1'],
  ['breach', 'CVE-2026-1000 openssl in python was to be patched by 2026-11-22T12:00:00.000Z; 3.5.1-2 fixes it'],
  [
    'archive',
    'debian-13/trixie-security must not be built from: its newest state is of 2026-11-19T09:12:04Z, 74 hours ago',
  ],
  ['end-of-life', 'python: the security support of its archive ends on 2028-08-09'],
]
for (const [kind, title] of titles) {
  test(`a message of the kind ${kind} says in one line: ${title}`, () =>
    assert.equal(samples.find((sample) => sample.kind === kind)?.title, title))
}

test('a title is one line that steers no terminal', () => {
  const { title } = failedMessage({ image: 'a' }, { run: 1, reason: 'x\n\u001b[2Jy', at })
  assert.equal(title, 'a could not be released: x\\u000a\\u001b[2Jy')
})

if (process.env['SHOW_EXAMPLES'] !== undefined)
  for (const event of events) console.log(`\`\`\`json\n${JSON.stringify(event, undefined, 2)}\n\`\`\`\n`)
