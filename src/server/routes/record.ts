import { formatLedgerCheckpoint, formatLedgerEntry, type LedgerEntry, ledgerLines } from '#factory'
import type { OpenStore } from '#store'
import { type Route, route } from '../http/route.ts'
import { ANYTHING, COUNT, DIGEST, list, MOMENT, NUMBER, objectOf, PAGING, TEXT } from '../http/shapes.ts'
import { answerStream } from '../stream/answer-stream.ts'

const ENTRY = objectOf({
  sequence: NUMBER,
  at: MOMENT,
  kind: TEXT,
  subject: TEXT,
  body: ANYTHING,
  previous: DIGEST,
  digest: DIGEST,
})

/** The record that can be shown to others, and what happens as it happens. */
export const recordRoutes: readonly Route[] = [
  route({
    id: 'readLedger',
    method: 'GET',
    at: '/api/v1/ledger',
    summary: 'Entries of the ledger behind one, in order; the ledger has no gaps',
    group: 'record',
    action: 'export',
    query: {
      type: 'object',
      additionalProperties: false,
      properties: {
        after: { type: 'integer', title: 'the number of an entry, or 0', minimum: 0 },
        limit: PAGING.limit,
      },
    },
    gives: objectOf({ items: list(ENTRY), tip: objectOf({ sequence: COUNT, digest: DIGEST }) }),
    answer: async ({ query: { after = 0, limit = 100 } }, { store }) => {
      const items: readonly LedgerEntry[] = await store.ledger.read(after, limit)
      return { json: { items, tip: await store.ledger.tip() } }
    },
  }),
  route({
    id: 'exportLedger',
    method: 'GET',
    at: '/api/v1/ledger/export',
    summary: 'The whole ledger with its checkpoints, as lines that `casemate ledger verify` reads',
    group: 'record',
    action: 'export',
    gives: { media: 'application/x-ndjson' },
    answer: async (_, { store }) => ({ lines: exportLines(store), type: 'application/x-ndjson' }),
  }),
  route({
    id: 'followLedger',
    method: 'GET',
    at: '/api/v1/stream',
    summary: 'What happens, as it happens: entries of the ledger as server-sent events',
    description:
      'The id of each is its number in the ledger, so that a client that comes again with Last-Event-ID, or `after`, misses nothing. Without either it begins now.',
    group: 'record',
    action: 'read',
    query: {
      type: 'object',
      additionalProperties: false,
      properties: { after: { type: 'integer', title: 'the number of an entry, or 0', minimum: 0 } },
    },
    headers: {
      type: 'object',
      properties: { 'last-event-id': { type: 'string', title: 'the number of an entry', pattern: '^\\d{1,15}$' } },
    },
    gives: { media: 'text/event-stream' },
    answer: async (call, serving) => await answerStream(call, serving),
  }),
]

async function* exportLines({ ledger }: OpenStore): AsyncGenerator<string> {
  for await (const line of ledgerLines(ledger)) {
    yield `${'entry' in line ? formatLedgerEntry(line.entry) : formatLedgerCheckpoint(line.checkpoint)}\n`
  }
}
