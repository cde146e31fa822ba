import { problem } from '../http/problem.ts'
import { type Route, route } from '../http/route.ts'
import { list, objectOf, TEXT } from '../http/shapes.ts'

/** The server itself: whether it lives, whether it can work, what it counts. */
export const serviceRoutes: readonly Route[] = [
  route({
    id: 'health',
    method: 'GET',
    at: '/healthz',
    summary: 'Whether the process lives',
    group: 'server',
    action: undefined,
    gives: objectOf({ status: TEXT, version: TEXT }),
    answer: async (_, { version }) => ({ json: { status: 'ok', version } }),
  }),
  route({
    id: 'readiness',
    method: 'GET',
    at: '/readyz',
    summary: 'Whether requests can be answered: the database does, and the server is not about to stop',
    group: 'server',
    action: undefined,
    gives: objectOf({ status: TEXT }),
    answer: async (_, { unready }) => {
      const reason = await unready()
      if (reason !== undefined) throw problem('SERVER_STOPPING', reason, { headers: { 'retry-after': '5' } })
      return { json: { status: 'ready' } }
    },
  }),
  route({
    id: 'listWarnings',
    method: 'GET',
    at: '/api/v1/warnings',
    summary: 'What has to be said loudly: archives that must not be used, advisories that are stale',
    group: 'server',
    action: 'read',
    gives: objectOf({ items: list(TEXT) }),
    answer: async (_, { warnings }) => ({ json: { items: await warnings.read() } }),
  }),
  route({
    id: 'metrics',
    method: 'GET',
    at: '/metrics',
    summary: 'What is counted, in Prometheus’s text format',
    group: 'server',
    action: 'read',
    gives: { media: 'text/plain' },
    answer: async (_, { metrics }) => ({ text: await metrics(), type: 'text/plain; version=0.0.4; charset=utf-8' }),
  }),
]
