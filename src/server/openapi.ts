import type { Shape } from '#core'
import type { ObjectShape, Route } from './http/route.ts'

/** What every refusal is (RFC 9457). */
const PROBLEM: Shape = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'instance', 'code'],
  properties: {
    type: { type: 'string', description: 'urn:casemate:problem:CODE' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'for people' },
    instance: { type: 'string', description: 'the number of the request, which logs and the audit trail have too' },
    code: { type: 'string', description: 'stable; docs/errors.md has them all' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['at', 'message'],
        properties: { at: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
}

const GROUPS: Readonly<Record<Route['group'], string>> = {
  images: 'Images, their releases and their findings',
  work: 'Events, plans and runs',
  decisions: 'What people decide',
  record: 'The ledger, and what happens as it happens',
  access: 'Tokens and the audit trail',
  server: 'The server itself',
}

/** The API's description, OpenAPI 3.1, made from the routes that answer it. */
export function openApiDocument(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const methods = paths[route.at] ?? {}
    methods[route.method.toLowerCase()] = operationOf(route)
    paths[route.at] = methods
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Casemate',
      version,
      description:
        'The factory that keeps images continuously secure. Every refusal is a problem document (RFC 9457). Lists give `next`, the cursor of the page that follows, or null.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(GROUPS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: { Problem: PROBLEM },
      responses: {
        Problem: {
          description: 'The request was refused, and why',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'what `casemate token create` gives' },
        password: { type: 'http', scheme: 'basic', description: 'a token as password, for reading only' },
      },
    },
  }
}

function operationOf({
  id,
  method,
  summary,
  description,
  group,
  action,
  path,
  query,
  headers,
  body,
  gives,
  status = 200,
  again = status,
}: Route) {
  const media = 'media' in gives ? { [gives.media]: {} } : { 'application/json': { schema: gives } }
  const security = method === 'GET' ? [{ token: [] }, { password: [] }] : [{ token: [] }]
  return {
    operationId: id,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [group],
    security: action === undefined ? [] : security,
    ...(action === undefined ? {} : { 'x-right': action }),
    parameters: [...parametersOf('path', path), ...parametersOf('query', query), ...parametersOf('header', headers)],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: {
      [status]: { description: summary, content: media },
      ...(again === status ? {} : { [again]: { description: 'The same was asked before', content: media } }),
      default: { $ref: '#/components/responses/Problem' },
    },
  }
}

function parametersOf(place: 'path' | 'query' | 'header', { properties = {}, required = [] }: ObjectShape): object[] {
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema,
  }))
}
