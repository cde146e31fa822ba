import type { RunImageStages, RunSummary } from '#store'
import { seesAll } from '../access/rights.ts'
import { pageBackward, pageForward } from '../http/pages.ts'
import { problem } from '../http/problem.ts'
import { type Route, route } from '../http/route.ts'
import { COUNT, IMAGE, list, MOMENT, NUMBER, objectOf, orNull, PAGING, page, REASON, TEXT } from '../http/shapes.ts'
import { notThere, record } from '../record.ts'

const RUN = objectOf({
  id: NUMBER,
  plan: NUMBER,
  started: MOMENT,
  waiting: COUNT,
  running: COUNT,
  done: COUNT,
  failed: COUNT,
  cancelled: COUNT,
  ended: orNull(MOMENT),
  cancelledBy: orNull(objectOf({ by: TEXT, reason: TEXT })),
})

const IMAGE_OF_RUN = objectOf({
  image: IMAGE,
  state: { type: 'string', enum: ['waiting', 'running', 'done', 'failed', 'cancelled'] },
  reason: orNull(TEXT),
  stages: list(objectOf({ stage: TEXT, attempt: NUMBER, state: TEXT, at: MOMENT, worker: TEXT, reason: orNull(TEXT) })),
})

const AT_RUN = { type: 'object', additionalProperties: false, required: ['run'], properties: { run: NUMBER } } as const
const WHY = {
  type: 'object',
  additionalProperties: false,
  required: ['reason'],
  properties: { reason: REASON },
} as const

/** What is being done, and how it is stopped or undone. */
export const runRoutes: readonly Route[] = [
  route({
    id: 'listRuns',
    method: 'GET',
    at: '/api/v1/runs',
    summary: 'Runs, the newest first, with how many of their images have come how far',
    group: 'work',
    action: 'read',
    query: { type: 'object', additionalProperties: false, properties: PAGING },
    gives: page(RUN),
    answer: ({ query, caller }, { store }) =>
      pageBackward(query, (part) => store.history.runs(caller.images, part), showRun),
  }),
  route({
    id: 'readRun',
    method: 'GET',
    at: '/api/v1/runs/{run}',
    summary: 'One run',
    group: 'work',
    action: 'read',
    path: AT_RUN,
    gives: RUN,
    answer: async ({ path, caller }, { store }) => {
      const run = await store.history.run(caller.images, path.run)
      if (run === undefined) throw notThere(`run ${path.run}`)
      return { json: showRun(run) }
    },
  }),
  route({
    id: 'listImagesOfRun',
    method: 'GET',
    at: '/api/v1/runs/{run}/images',
    summary: 'Images of a run with the last word on each of their stages',
    group: 'work',
    action: 'read',
    path: AT_RUN,
    query: { type: 'object', additionalProperties: false, properties: PAGING },
    gives: page(IMAGE_OF_RUN),
    answer: async ({ path, query, caller }, { store }) => {
      if ((await store.history.run(caller.images, path.run)) === undefined) throw notThere(`run ${path.run}`)
      return await pageForward(query, {
        parts: 1,
        names: ({ image }) => [image],
        read: ({ after: [after = ''], limit }) => store.history.runImages(caller.images, path.run, { after, limit }),
        show: showImage,
      })
    },
  }),
  route({
    id: 'cancelRun',
    method: 'POST',
    at: '/api/v1/runs/{run}/cancel',
    summary: 'Cancel a run: what is under way is given up, and no tag moves any more',
    group: 'work',
    action: 'operate',
    path: AT_RUN,
    body: WHY,
    gives: objectOf({ run: NUMBER }),
    status: 202,
    answer: async (call, serving) => {
      const { path, body, caller } = call
      const { history } = serving.store
      const [seen, whole] = [await history.run(caller.images, path.run), await history.run(['**'], path.run)]
      if (seen === undefined) throw notThere(`run ${path.run}`)
      if (!seesAll(caller.images) && countOf(seen) !== countOf(whole)) {
        throw problem('RIGHT_MISSING', `cannot cancel run ${path.run}: the token is not for all of its images`)
      }
      if (seen.ended !== null) throw problem('STATE_CONFLICT', `cannot cancel run ${path.run}: it has ended`)
      const { reason } = body
      await record(serving, call, async ({ runs }) => {
        await runs.cancel(path.run, { by: caller.name, reason, at: serving.now() })
        const noted = { cancelled: path.run, reason }
        return {
          result: undefined,
          deed: { action: 'operate', status: 202, note: { kind: 'run', subject: `${path.run}`, body: noted } },
        }
      })
      return { json: { run: path.run }, status: 202 }
    },
  }),
  route({
    id: 'rollBack',
    method: 'POST',
    at: '/api/v1/releases/{release}/restore',
    summary: 'Give an image’s tags back to this release',
    group: 'work',
    action: 'operate',
    path: { type: 'object', additionalProperties: false, required: ['release'], properties: { release: NUMBER } },
    body: WHY,
    gives: objectOf({ release: NUMBER }),
    status: 201,
    answer: async (call, serving) => {
      const { path, body, caller } = call
      const { store, commands } = serving
      const release = await store.history.release(caller.images, path.release)
      if (release === undefined) throw notThere(`release ${path.release}`)
      if (commands.rollback === undefined)
        throw problem('COMMAND_UNAVAILABLE', 'cannot go back: nothing is published by this process')
      const made = await commands.rollback(path.release, { by: caller.name, reason: body.reason })
      await record(serving, call, async () => {
        const noted = { release: made, restores: path.release, reason: body.reason }
        return {
          result: undefined,
          deed: { action: 'operate', status: 201, note: { kind: 'rollback', subject: release.image, body: noted } },
        }
      })
      return { json: { release: made }, status: 201, headers: { location: `/api/v1/releases/${made}` } }
    },
  }),
]

function countOf(run: RunSummary | undefined): number {
  return run === undefined ? 0 : run.waiting + run.running + run.done + run.failed + run.cancelled
}

function showRun({
  id,
  plan,
  started,
  waiting,
  running,
  done,
  failed,
  cancelled,
  ended,
  cancelledBy,
}: RunSummary): object {
  return { id, plan, started, waiting, running, done, failed, cancelled, ended, cancelledBy }
}

function showImage({ image, end, stages }: RunImageStages): object {
  const state = end?.state ?? (stages.length === 0 ? 'waiting' : 'running')
  return { image, state, reason: end?.reason ?? null, stages }
}
