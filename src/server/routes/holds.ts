import type { Hold } from '#factory'
import { sees, seesAll } from '../access/rights.ts'
import { problem } from '../http/problem.ts'
import { type Route, route } from '../http/route.ts'
import { IMAGE, list, MOMENT, NUMBER, objectOf, orNull, REASON, TEXT } from '../http/shapes.ts'
import { notThere, record } from '../record.ts'

const HOLD = objectOf({
  id: NUMBER,
  image: orNull(IMAGE),
  reason: TEXT,
  by: TEXT,
  placed: MOMENT,
  until: orNull(MOMENT),
})

/** A person's word that images stay as they are. */
export const holdRoutes: readonly Route[] = [
  route({
    id: 'listHolds',
    method: 'GET',
    at: '/api/v1/holds',
    summary: 'Holds that are in force, the oldest first; `image` is null for one of all images',
    group: 'decisions',
    action: 'read',
    gives: objectOf({ items: list(HOLD) }),
    answer: async ({ caller }, { store, now }) => {
      const all = await store.decisions.holds(now())
      const seen = all.filter(({ image }) => image === undefined || sees(caller.images, image))
      return { json: { items: seen.map(showHold) } }
    },
  }),
  route({
    id: 'placeHold',
    method: 'POST',
    at: '/api/v1/holds',
    summary: 'Keep an image as it is, or all images',
    group: 'decisions',
    action: 'hold',
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['image', 'reason'],
      properties: { image: orNull(IMAGE), reason: REASON, until: MOMENT },
    },
    gives: HOLD,
    status: 201,
    answer: async (call, serving) => {
      const { body, caller } = call
      const { image, reason, until } = body
      if (image === null && !seesAll(caller.images)) {
        throw problem('RIGHT_MISSING', 'cannot hold all images: want a token for all images')
      }
      if (image !== null && (!sees(caller.images, image) || !(await serving.store.images.isKnown(image)))) {
        throw notThere(`the image ${image}`)
      }
      const placed = serving.now()
      if (until !== undefined && (Number.isNaN(Date.parse(until)) || until <= placed)) {
        throw problem('REQUEST_INVALID', `cannot hold until ${until}: want a moment to come`)
      }
      const hold = { image: image ?? undefined, reason, by: caller.name, placed, until }
      const id = await record(serving, call, async ({ decisions }) => {
        const id = await decisions.hold(hold)
        const noted = { hold: id, reason, until: until ?? null }
        return {
          result: id,
          deed: { action: 'hold', status: 201, note: { kind: 'hold', subject: image ?? '*', body: noted } },
        }
      })
      return { json: showHold({ id, ...hold }), status: 201, headers: { location: `/api/v1/holds/${id}` } }
    },
  }),
  route({
    id: 'endHold',
    method: 'DELETE',
    at: '/api/v1/holds/{hold}',
    summary: 'End a hold; one that has ended is ended',
    group: 'decisions',
    action: 'hold',
    path: { type: 'object', additionalProperties: false, required: ['hold'], properties: { hold: NUMBER } },
    gives: HOLD,
    answer: async (call, serving) => {
      const { path, caller } = call
      const ended = serving.now()
      const hold = (await serving.store.decisions.holds(ended)).find(({ id }) => id === path.hold)
      if (
        hold === undefined ||
        !(hold.image === undefined ? seesAll(caller.images) : sees(caller.images, hold.image))
      ) {
        throw notThere(`a hold ${path.hold} that is in force`)
      }
      await record(serving, call, async ({ decisions }) => {
        await decisions.endHold(hold.id, caller.name, ended)
        const noted = { hold: hold.id, ended: true }
        return {
          result: undefined,
          deed: { action: 'hold', status: 200, note: { kind: 'hold', subject: hold.image ?? '*', body: noted } },
        }
      })
      return { json: showHold(hold) }
    },
  }),
]

function showHold({ id, image, reason, by, placed, until }: Hold): object {
  return { id, image: image ?? null, reason, by, placed, until: until ?? null }
}
