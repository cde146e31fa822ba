import { type EventKind, eventKey, type FactoryEvent, noteEvents } from '#factory'
import { sees, seesAll } from '../access/rights.ts'
import { pageBackward } from '../http/pages.ts'
import { problem } from '../http/problem.ts'
import { type Route, route } from '../http/route.ts'
import { ANYTHING, IMAGE, MOMENT, NUMBER, objectOf, PAGING, page, REASON, TEXT } from '../http/shapes.ts'
import { notThere, record } from '../record.ts'

const EVENT = objectOf({ id: NUMBER, kind: TEXT, subject: TEXT, payload: ANYTHING, seen: MOMENT })

const SUBJECT = {
  type: 'string',
  title: 'a subject without control characters, e.g. debian-13/trixie-security',
  pattern: '^[\\x21-\\x7e]+$',
  maxLength: 255,
} as const

const ASKED: EventKind = 'asked'

/** What was noticed, and being told of something. */
export const eventRoutes: readonly Route[] = [
  route({
    id: 'listEvents',
    method: 'GET',
    at: '/api/v1/events',
    summary: 'What was noticed, the newest first',
    group: 'work',
    action: 'read',
    query: { type: 'object', additionalProperties: false, properties: { ...PAGING, subject: SUBJECT } },
    gives: page(EVENT),
    answer: ({ query: { subject, ...paging }, caller }, { store }) =>
      pageBackward(
        paging,
        (part) => store.history.events(caller.images, { ...part, ...(subject === undefined ? {} : { subject }) }),
        showEvent,
      ),
  }),
  route({
    id: 'askForRebuild',
    method: 'POST',
    at: '/api/v1/images/{image}/rebuild',
    summary: 'Ask that an image is thought about now',
    description:
      'Gives the event. The same Idempotency-Key for the same image is the same event, however often it is sent; without a change there is no new digest.',
    group: 'work',
    action: 'ask',
    path: { type: 'object', additionalProperties: false, required: ['image'], properties: { image: IMAGE } },
    headers: {
      type: 'object',
      required: ['idempotency-key'],
      properties: {
        'idempotency-key': { type: 'string', title: '1 to 100 visible characters', pattern: '^[\\x21-\\x7e]{1,100}$' },
      },
    },
    body: { type: 'object', additionalProperties: false, required: ['reason'], properties: { reason: REASON } },
    gives: EVENT,
    status: 201,
    again: 200,
    answer: async (call, serving) => {
      const { path, body, caller } = call
      const { image } = path
      if (!sees(caller.images, image) || !(await serving.store.images.isKnown(image)))
        throw notThere(`the image ${image}`)
      const key = eventKey(ASKED, image, { caller: caller.token ?? 0, key: call.header('idempotency-key') ?? '' })
      const payload = { by: caller.name, reason: body.reason, request: call.request }
      const seen = serving.now()
      const asked = { kind: ASKED, subject: image, key, payload, seen }
      const { event, isNew } = await record(serving, call, async (logs) => {
        const [fresh] = await noteEvents(logs, [asked])
        // Of an event that is known already, the first request's word is kept.
        const [event] = fresh === undefined ? await logs.events.record([asked]) : [fresh]
        if (event === undefined) throw new Error('a recorded event is given back')
        const deed = { action: 'ask', status: 201, note: undefined } as const
        return { result: { event, isNew: fresh !== undefined }, deed: fresh === undefined ? undefined : deed }
      })
      return { json: showEvent(event), status: isNew ? 201 : 200 }
    },
  }),
  route({
    id: 'lookNow',
    method: 'POST',
    at: '/api/v1/notices',
    summary: 'Have something that is watched looked at now: an archive’s mirror says that it has changed',
    description: 'What is said here is not believed, only looked into: an event comes of what is found.',
    group: 'work',
    action: 'ask',
    body: { type: 'object', additionalProperties: false, required: ['subject'], properties: { subject: SUBJECT } },
    gives: objectOf({ subject: TEXT }),
    status: 202,
    answer: async (call, serving) => {
      const { body, caller } = call
      const { look } = serving.commands
      if (look === undefined) throw problem('COMMAND_UNAVAILABLE', 'cannot look: nothing is watched by this process')
      if (!seesAll(caller.images)) throw problem('RIGHT_MISSING', 'cannot look: want a token for all images')
      if (!(await look(body.subject))) throw notThere(`${JSON.stringify(body.subject)} among what is watched`)
      await record(serving, call, async () => ({
        result: undefined,
        deed: { action: 'ask', status: 202, note: { kind: 'notice', subject: body.subject, body: {} } },
      }))
      return { json: { subject: body.subject }, status: 202 }
    },
  }),
]

function showEvent({ id, kind, subject, payload, seen }: FactoryEvent): object {
  return { id, kind, subject, payload, seen }
}
