import type { LedgerEntry } from '#factory'
import type { Caller } from '../access/rights.ts'
import { problem } from '../http/problem.ts'
import type { Answer, Call, StreamSink } from '../http/route.ts'
import type { Serving } from '../serving.ts'
import { mayHear } from './hearing.ts'

/** Streams at a time: of one client, and of all. */
export const STREAMS = { ofClient: 10, all: 500 } as const
/** How long a client waits before it comes again, in milliseconds. */
const RETRY = 2_000

const open = new WeakMap<Serving, Map<string, number>>()

/** Answers with what happens: behind what the client had last, or from now on. Throws `REQUESTS_TOO_MANY`. */
export async function answerStream(
  {
    query,
    header,
    caller,
    address,
  }: Pick<Call<object, { after?: number }, object>, 'query' | 'header' | 'caller' | 'address'>,
  serving: Serving,
): Promise<Answer> {
  const last = header('last-event-id')
  const after = last === undefined ? (query.after ?? (await serving.store.ledger.tip()).sequence) : Number(last)
  const client = caller.token === undefined ? address : `token ${caller.token}`
  const counts = open.get(serving) ?? new Map<string, number>()
  open.set(serving, counts)
  const own = counts.get(client) ?? 0
  if (own >= STREAMS.ofClient || serving.tail.listeners >= STREAMS.all) {
    throw problem('REQUESTS_TOO_MANY', 'cannot open another stream: too many are open', {
      headers: { 'retry-after': '10' },
    })
  }
  return {
    stream: async (sink) => {
      counts.set(client, (counts.get(client) ?? 0) + 1)
      try {
        await follow(sink, { caller, after }, serving)
      } finally {
        const left = (counts.get(client) ?? 1) - 1
        if (left > 0) counts.set(client, left)
        else counts.delete(client)
      }
    },
  }
}

async function follow(
  sink: StreamSink,
  { caller, after }: { caller: Caller; after: number },
  { tail, pulse, isStillIn }: Serving,
): Promise<void> {
  await sink.write(`retry: ${RETRY}\n\n`)
  let looked = performance.now()
  for await (const entries of tail.listen(after, { signal: sink.signal, pulse })) {
    if (performance.now() - looked >= pulse) {
      if (!(await isStillIn(caller))) return
      looked = performance.now()
    }
    await sink.write(entries.length === 0 ? ': quiet\n\n' : toldText(entries, caller))
  }
}

/** Entries as server-sent events; of those that somebody may not hear of only his place moves, so that he does not begin there again. */
function toldText(entries: readonly LedgerEntry[], caller: Caller): string {
  const told = entries.filter((entry) => mayHear(caller, entry))
  const last = entries.at(-1)?.sequence
  const place = last === undefined || told.at(-1)?.sequence === last ? '' : `id: ${last}\n\n`
  const events = told.map(({ sequence, at, kind, subject, body }) => {
    return `id: ${sequence}\nevent: entry\ndata: ${JSON.stringify({ sequence, at, kind, subject, body })}\n\n`
  })
  return `${events.join('')}${place}`
}
