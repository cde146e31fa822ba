import type { Caller } from '../access/rights.ts'
import { problem } from '../http/problem.ts'
import type { Answer, Call, StreamSink } from '../http/route.ts'
import type { Serving } from '../serving.ts'
import { mayHear } from './hearing.ts'

/** Streams at a time: of one client, and of all. */
export const STREAMS = { ofClient: 10, all: 500 } as const
/** A stream on which nothing happens says so every so many milliseconds, so that nothing between takes it for dead. */
const PULSE = 15_000
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
  { tail }: Serving,
): Promise<void> {
  await sink.write(`retry: ${RETRY}\n\n`)
  for await (const entries of tail.listen(after, { signal: sink.signal, pulse: PULSE })) {
    const told = entries.filter((entry) => mayHear(caller, entry))
    const newest = entries.at(-1)?.sequence
    // What somebody may not hear of moves his place all the same, so that he does not begin there again.
    const place = newest === undefined || told.at(-1)?.sequence === newest ? '' : `id: ${newest}\n\n`
    const text = told.map(({ sequence, at, kind, subject, body }) => {
      return `id: ${sequence}\nevent: entry\ndata: ${JSON.stringify({ sequence, at, kind, subject, body })}\n\n`
    })
    await sink.write(entries.length === 0 ? ': quiet\n\n' : `${text.join('')}${place}`)
  }
}
