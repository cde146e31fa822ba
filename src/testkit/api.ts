import { parseFactorySettings } from '#factory'
import { Api, type ApiOptions, createToken, serveApi } from '#server'
import type { OpenStore } from '#store'

/** An API that is served for a test. */
export interface TestApi {
  readonly url: string
  readonly api: Api
  /** Makes a token; gives its text. */
  token(role: string, images?: readonly string[]): Promise<string>
  /** Asks, with a token if one is given; gives status, headers and what the body says. */
  ask<Body = unknown>(target: string, options?: TestRequest): Promise<TestAnswer<Body>>
}

export interface TestRequest {
  readonly token?: string
  readonly method?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface TestAnswer<Body = unknown> {
  readonly status: number
  readonly headers: Headers
  readonly body: Body
}

/** The moment at which the APIs of tests are, unless they say otherwise. */
export const TEST_NOW = '2026-11-22T12:00:00.000Z'

/** Serves the API over a store on a free port of loopback, until the test ends. Reading is closed unless options open it. */
export async function testApi(
  t: { after(end: () => unknown): void },
  store: OpenStore,
  options: Partial<ApiOptions> = {},
): Promise<TestApi> {
  const now = () => new Date(TEST_NOW)
  const errors: unknown[] = []
  const defaults = {
    isOpen: false,
    registry: 'registry.test:5000',
    url: 'https://casemate.test',
    version: '0.0.0-test',
    levels: parseFactorySettings('', 'factory.yaml').levels,
    now,
  }
  const api = new Api({ store, ...defaults, onError: (error) => errors.push(error), ...options })
  const server = await serveApi(api, { host: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${server.port}`
  t.after(async () => {
    await server.close(0)
    if (errors.length > 0) throw new AggregateError(errors, 'the server had faults of its own')
  })
  let names = 0
  return {
    url,
    api,
    token: async (role, images = ['**']) => {
      const wish = { name: `${role} ${++names}`, role, images, expires: undefined }
      return (await createToken(store, wish, { by: 'test', at: TEST_NOW, command: 'test' })).text
    },
    ask: async (target, { token, method = 'GET', body, headers = {} } = {}) => {
      const response = await fetch(`${url}${target}`, {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        redirect: 'manual',
      })
      const text = await response.text()
      const isJson = /[/+]json$/.test(response.headers.get('content-type') ?? '')
      return {
        status: response.status,
        headers: response.headers,
        body: isJson && text !== '' ? JSON.parse(text) : text,
      }
    },
  }
}
