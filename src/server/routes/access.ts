import type { AccessToken } from '#store'
import { ROLES } from '../access/rights.ts'
import { IMAGE_PATTERN, makeToken, TOKEN_NAME } from '../access/token.ts'
import { pageBackward } from '../http/pages.ts'
import { type Route, route } from '../http/route.ts'
import { list, MOMENT, NUMBER, objectOf, orNull, PAGING, page, TEXT } from '../http/shapes.ts'
import { notThere, record } from '../record.ts'

const SHOWN = {
  id: NUMBER,
  name: TEXT,
  role: { type: 'string', enum: ROLES },
  images: list(TEXT),
  by: TEXT,
  made: MOMENT,
  expires: orNull(MOMENT),
  revoked: orNull(objectOf({ by: TEXT, at: MOMENT })),
} as const

const AUDITED = objectOf({
  id: NUMBER,
  at: MOMENT,
  token: orNull(NUMBER),
  who: TEXT,
  address: TEXT,
  request: TEXT,
  action: TEXT,
  target: TEXT,
  status: { type: 'integer' },
  reason: orNull(TEXT),
})

/** Who may use the API, and what was done and refused there. */
export const accessRoutes: readonly Route[] = [
  route({
    id: 'whoAmI',
    method: 'GET',
    at: '/api/v1/me',
    summary: 'What the token of this request is',
    group: 'access',
    action: 'read',
    gives: objectOf({ token: orNull(NUMBER), name: TEXT, role: SHOWN.role, images: list(TEXT) }),
    answer: async ({ caller: { token = null, name, role, images } }) => ({ json: { token, name, role, images } }),
  }),
  route({
    id: 'listTokens',
    method: 'GET',
    at: '/api/v1/tokens',
    summary: 'Tokens, the newest first, revoked and expired ones too; never the tokens themselves',
    group: 'access',
    action: 'tokens',
    query: { type: 'object', additionalProperties: false, properties: PAGING },
    gives: page(objectOf(SHOWN)),
    answer: ({ query }, { store }) =>
      pageBackward(query, ({ before, limit }) => store.tokens.list(before, limit), showToken),
  }),
  route({
    id: 'makeToken',
    method: 'POST',
    at: '/api/v1/tokens',
    summary: 'Make a token; this answer is the only place where it is shown',
    group: 'access',
    action: 'tokens',
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['name', 'role', 'images'],
      properties: {
        name: { type: 'string', title: 'letters, digits, space . _ @ / -, at most 100', pattern: TOKEN_NAME },
        role: { type: 'string', enum: ROLES },
        images: {
          type: 'array',
          title: 'a list of 1 to 50 patterns of images',
          minItems: 1,
          maxItems: 50,
          items: {
            type: 'string',
            title: 'a pattern in which * is one part of a name and ** any',
            pattern: IMAGE_PATTERN,
            maxLength: 255,
          },
        },
        expires: MOMENT,
      },
    },
    gives: objectOf({ ...SHOWN, secret: TEXT }),
    status: 201,
    answer: async (call, serving) => {
      const { body, caller } = call
      const { expires, ...wish } = body
      const { text, token } = makeToken({ ...wish, by: caller.name, made: serving.now(), expires })
      const id = await record(serving, call, async ({ tokens }) => {
        const id = await tokens.add(token)
        const noted = { token: id, role: token.role, images: token.images, expires: expires ?? null }
        return {
          result: id,
          deed: { action: 'tokens', status: 201, note: { kind: 'token', subject: token.name, body: noted } },
        }
      })
      return { json: { ...showToken({ ...token, id, revoked: undefined }), secret: text }, status: 201 }
    },
  }),
  route({
    id: 'revokeToken',
    method: 'DELETE',
    at: '/api/v1/tokens/{token}',
    summary: 'Revoke a token for good; one that is revoked stays so',
    group: 'access',
    action: 'tokens',
    path: { type: 'object', additionalProperties: false, required: ['token'], properties: { token: NUMBER } },
    gives: objectOf(SHOWN),
    answer: async (call, serving) => {
      const { path, caller } = call
      return await record(serving, call, async ({ tokens }) => {
        const read = async () => (await tokens.list(path.token + 1, 1)).find(({ id }) => id === path.token)
        const before = await read()
        if (before === undefined) throw notThere(`token ${path.token}`)
        await tokens.revoke(path.token, caller.name, serving.now())
        const answer = { json: showToken((await read()) ?? before) }
        if (before.revoked !== undefined) return { result: answer, deed: undefined }
        const noted = { token: path.token, revoked: true }
        return {
          result: answer,
          deed: { action: 'tokens', status: 200, note: { kind: 'token', subject: before.name, body: noted } },
        }
      })
    },
  }),
  route({
    id: 'readAudit',
    method: 'GET',
    at: '/api/v1/audit',
    summary: 'What was done and refused at this API, the newest first',
    group: 'access',
    action: 'audit',
    query: { type: 'object', additionalProperties: false, properties: PAGING },
    gives: page(AUDITED),
    answer: ({ query }, { store }) =>
      pageBackward(
        query,
        ({ before, limit }) => store.audit.list(before, limit),
        ({ token = null, reason = null, ...rest }) => ({ ...rest, token, reason }),
      ),
  }),
]

function showToken({ id, name, role, images, by, made, expires = undefined, revoked }: AccessToken): object {
  return { id, name, role, images, by, made, expires: expires ?? null, revoked: revoked ?? null }
}
