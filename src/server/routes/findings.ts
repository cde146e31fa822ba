import { type Excuse, excuseNote, LEVEL_STATES, POLICY_SEVERITIES } from '#factory'
import { sees } from '../access/rights.ts'
import { type StandingFinding, standingFindings } from '../findings.ts'
import { pageForward } from '../http/pages.ts'
import { problem } from '../http/problem.ts'
import { type Route, route } from '../http/route.ts'
import { COUNT, IMAGE, list, MOMENT, objectOf, orNull, PAGING, page, REASON, TEXT } from '../http/shapes.ts'
import { notThere, record } from '../record.ts'

const EXCUSE = objectOf({ image: IMAGE, finding: TEXT, by: TEXT, reason: TEXT, until: MOMENT, given: MOMENT })

const FINDING = objectOf({
  finding: TEXT,
  severity: orNull({ type: 'string', enum: POLICY_SEVERITIES }),
  open: { type: 'boolean', description: 'no release has closed it' },
  state: {
    type: 'string',
    enum: LEVEL_STATES,
    description: 'how it stands to its service level; `waiting` is waiting for Debian, so no time runs',
  },
  due: orNull(MOMENT),
  spent: { ...COUNT, description: 'milliseconds from the fix to its release, or until now' },
  excuse: orNull(EXCUSE),
  marks: { type: 'object', description: 'when it came to each mark of its way', additionalProperties: MOMENT },
  segments: list(objectOf({ from: TEXT, to: TEXT, milliseconds: COUNT })),
})

const AT_IMAGE = {
  type: 'object',
  additionalProperties: false,
  required: ['image'],
  properties: { image: IMAGE },
} as const

/** Findings in images, their clocks, and who answers for late ones. */
export const findingRoutes: readonly Route[] = [
  route({
    id: 'listFindings',
    method: 'GET',
    at: '/api/v1/images/{image}/findings',
    summary: 'Findings of an image with their clocks; those that no release has closed, unless `all`',
    description: 'A slash in the name of an image is written %2F.',
    group: 'images',
    action: 'read',
    path: AT_IMAGE,
    query: { type: 'object', additionalProperties: false, properties: { ...PAGING, all: { type: 'boolean' } } },
    gives: page(FINDING),
    answer: async ({ path: { image }, query: { all = false, ...paging }, caller }, serving) => {
      const { images } = serving.store
      if (!sees(caller.images, image) || !(await images.isKnown(image))) throw notThere(`the image ${image}`)
      return await pageForward(paging, {
        parts: 1,
        names: ({ way }: StandingFinding) => [way.finding],
        read: async ({ after: [after = ''], limit }) =>
          await standingFindings(await images.findings(image, { after, limit, all }), serving),
        show: showFinding,
      })
    },
  }),
  route({
    id: 'excuse',
    method: 'POST',
    at: '/api/v1/images/{image}/excuses',
    summary: 'Answer for a finding that may take longer than its service level allows',
    group: 'decisions',
    action: 'approve',
    path: AT_IMAGE,
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['finding', 'reason', 'until'],
      properties: {
        finding: {
          type: 'string',
          title: 'an open finding of the image, or its advisory',
          pattern: '^[\\x21-\\x7e]+( [\\x21-\\x7e]+)?$',
          maxLength: 255,
        },
        reason: REASON,
        until: MOMENT,
      },
    },
    gives: EXCUSE,
    status: 201,
    answer: async (call, serving) => {
      const { path, body, caller } = call
      const { image } = path
      const { finding, reason, until } = body
      if (!sees(caller.images, image) || !(await serving.store.images.hasOpen(image, finding))) {
        throw notThere(`an open finding ${finding} of the image ${image}`)
      }
      const given = serving.now()
      if (Number.isNaN(Date.parse(until)) || until <= given) {
        throw problem('REQUEST_INVALID', `cannot excuse until ${until}: want a moment to come`)
      }
      const excuse: Excuse = { image, finding, by: caller.name, reason, until, given }
      await record(serving, call, async () => {
        const { kind, subject } = excuseNote(excuse)
        const note = { kind, subject, body: { finding, reason, until } }
        return { result: undefined, deed: { action: 'approve', status: 201, note } }
      })
      return { json: excuse, status: 201 }
    },
  }),
]

function showFinding({ way, level, segments }: StandingFinding): object {
  const { finding, severity = null, marks } = way
  const { isOpen, state, due = null, spent, excuse } = level
  const shown = excuse === undefined ? null : showExcuse(excuse)
  return { finding, severity, open: isOpen, state, due, spent, excuse: shown, marks, segments }
}

function showExcuse({ image, finding, by, reason, until, given }: Excuse): object {
  return { image, finding, by, reason, until, given }
}
