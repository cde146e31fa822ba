import type { Plan, PlannedImage } from '#factory'
import type { VisibleImages } from '#store'
import { sees } from '../access/rights.ts'
import { pageBackward } from '../http/pages.ts'
import { problem } from '../http/problem.ts'
import { type Route, route } from '../http/route.ts'
import { COUNT, IMAGE, list, MOMENT, NUMBER, objectOf, orNull, PAGING, page, REASON, TEXT } from '../http/shapes.ts'
import { notThere, record } from '../record.ts'

const SUMMARY = objectOf({ id: NUMBER, made: MOMENT, events: list(NUMBER), rebuilt: COUNT, held: COUNT })

const PLANNED = objectOf({
  image: IMAGE,
  after: list(TEXT),
  reasons: list({
    type: 'object',
    description: 'the event, the advisories that are answered, and the packages that change',
  }),
  held: orNull({ type: 'object', description: 'what keeps the image from being rebuilt now, why, and until when' }),
})

const PLAN = objectOf({ id: orNull(NUMBER), made: MOMENT, events: list(NUMBER), images: list(PLANNED) })

const APPROVAL = objectOf({
  plan: NUMBER,
  image: IMAGE,
  approved: { type: 'boolean' },
  reason: TEXT,
  by: TEXT,
  given: MOMENT,
})

const AT_PLAN = {
  type: 'object',
  additionalProperties: false,
  required: ['plan'],
  properties: { plan: NUMBER },
} as const

/** What was planned, what would be, and the word of those who are asked for it. */
export const planRoutes: readonly Route[] = [
  route({
    id: 'listPlans',
    method: 'GET',
    at: '/api/v1/plans',
    summary: 'Plans, the newest first',
    group: 'work',
    action: 'read',
    query: { type: 'object', additionalProperties: false, properties: PAGING },
    gives: page(SUMMARY),
    answer: ({ query, caller }, { store }) => pageBackward(query, (part) => store.history.plans(caller.images, part)),
  }),
  route({
    id: 'previewPlan',
    method: 'POST',
    at: '/api/v1/plans/preview',
    summary: 'What would be rebuilt now, and what is held and why; changes nothing',
    group: 'work',
    action: 'preview',
    body: {
      type: 'object',
      additionalProperties: false,
      properties: {
        images: { type: 'array', title: 'a list of 1 to 200 images', items: IMAGE, minItems: 1, maxItems: 200 },
      },
    },
    gives: PLAN,
    answer: async ({ body: { images }, caller }, { commands }) => {
      if (commands.preview === undefined)
        throw problem('COMMAND_UNAVAILABLE', 'cannot plan: nothing is planned by this process')
      const strange = images?.find((image) => !sees(caller.images, image))
      if (strange !== undefined) throw notThere(`the image ${strange}`)
      return { json: showPlan(null, await commands.preview(images), caller.images) }
    },
  }),
  route({
    id: 'readPlan',
    method: 'GET',
    at: '/api/v1/plans/{plan}',
    summary: 'One plan: images in the order of work, with reasons',
    group: 'work',
    action: 'read',
    path: AT_PLAN,
    gives: PLAN,
    answer: async ({ path, caller }, { store }) => {
      const plan = await store.plans.read(path.plan)
      const hasSome = plan?.images.some(({ image }) => sees(caller.images, image))
      if (plan === undefined || !hasSome) throw notThere(`plan ${path.plan}`)
      return { json: showPlan(path.plan, plan, caller.images) }
    },
  }),
  route({
    id: 'listApprovals',
    method: 'GET',
    at: '/api/v1/plans/{plan}/approvals',
    summary: 'Every word on the images of a plan, in the order of giving; the last one on an image counts',
    group: 'decisions',
    action: 'read',
    path: AT_PLAN,
    gives: objectOf({ items: list(APPROVAL) }),
    answer: async ({ path, caller }, { store }) => {
      const plan = await store.plans.read(path.plan)
      if (!plan?.images.some(({ image }) => sees(caller.images, image))) throw notThere(`plan ${path.plan}`)
      const all = await store.decisions.approvals(path.plan)
      return { json: { items: all.filter(({ image }) => sees(caller.images, image)) } }
    },
  }),
  route({
    id: 'approve',
    method: 'POST',
    at: '/api/v1/plans/{plan}/approvals',
    summary: 'Approve an image of a plan, or say no',
    group: 'decisions',
    action: 'approve',
    path: AT_PLAN,
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['image', 'approved', 'reason'],
      properties: { image: IMAGE, approved: { type: 'boolean' }, reason: REASON },
    },
    gives: APPROVAL,
    status: 201,
    answer: async (call, serving) => {
      const { path, body, caller } = call
      const plan = await serving.store.plans.read(path.plan)
      const isThere = plan?.images.some(({ image }) => image === body.image) && sees(caller.images, body.image)
      if (!isThere) throw notThere(`the image ${body.image} in plan ${path.plan}`)
      const approval = { plan: path.plan, ...body, by: caller.name, given: serving.now() }
      await record(serving, call, async ({ decisions }) => {
        await decisions.approve(approval)
        const { plan, approved, reason } = approval
        const noted = { plan, approved, reason }
        return {
          result: undefined,
          deed: { action: 'approve', status: 201, note: { kind: 'approval', subject: body.image, body: noted } },
        }
      })
      return { json: approval, status: 201 }
    },
  }),
]

function showPlan(id: number | null, { made, events, images }: Plan, visible: VisibleImages): object {
  const seen = images.filter(({ image }) => sees(visible, image))
  return { id, made, events, images: seen.map(showPlanned) }
}

function showPlanned({ image, after, reasons, held }: PlannedImage): object {
  return { image, after, reasons, held: held ?? null }
}
