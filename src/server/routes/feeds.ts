import { formatAtom, formatJsonFeed, type Message } from '#factory'
import { sees, seesAll } from '../access/rights.ts'
import { type Call, type Route, route } from '../http/route.ts'
import { IMAGE } from '../http/shapes.ts'
import { notThere } from '../record.ts'
import type { Serving } from '../serving.ts'

/** Entries of a feed. */
const ENTRIES = 50
/** Messages that are looked at for them. */
const LOOKED_AT = 500

const QUERY = { type: 'object', additionalProperties: false, properties: { image: IMAGE } } as const

type FeedCall = Call<object, { image?: string }, object>

/** What is told, for readers of feeds. */
export const feedRoutes: readonly Route[] = [
  route({
    id: 'readAtomFeed',
    method: 'GET',
    at: '/api/v1/feed.atom',
    summary: 'What was told last, of an image or of all, as an Atom feed',
    group: 'record',
    action: 'read',
    query: QUERY,
    gives: { media: 'application/atom+xml' },
    answer: async (call, serving) => ({
      text: formatAtom(headOf(call, serving, 'feed.atom'), await messages(call, serving)),
      type: 'application/atom+xml; charset=utf-8',
    }),
  }),
  route({
    id: 'readJsonFeed',
    method: 'GET',
    at: '/api/v1/feed.json',
    summary: 'What was told last, of an image or of all, as a JSON Feed',
    group: 'record',
    action: 'read',
    query: QUERY,
    gives: { media: 'application/feed+json' },
    answer: async (call, serving) => ({
      text: formatJsonFeed(headOf(call, serving, 'feed.json'), await messages(call, serving)),
      type: 'application/feed+json; charset=utf-8',
    }),
  }),
]

/** Who may not see all images is told of those that he may see, and of nothing that is about none. */
async function messages({ query: { image }, caller }: FeedCall, { store }: Serving): Promise<readonly Message[]> {
  if (image !== undefined && (!sees(caller.images, image) || !(await store.images.isKnown(image))))
    throw notThere(`the image ${image}`)
  const all = await store.outbox.latest(image, LOOKED_AT)
  const seen = seesAll(caller.images)
    ? all
    : all.filter((one) => one.image !== undefined && sees(caller.images, one.image))
  return seen.slice(0, ENTRIES)
}

function headOf({ query: { image } }: FeedCall, { url, now }: Serving, file: string) {
  return {
    title: image === undefined ? 'Casemate' : `Casemate: ${image}`,
    self: `${url}/api/v1/${file}${image === undefined ? '' : `?image=${encodeURIComponent(image)}`}`,
    home: `${url}/`,
    source: url,
    updated: now(),
  }
}
