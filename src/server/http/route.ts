import type { XStatic } from 'typebox/schema'
import type { Shape } from '#core'
import type { Action, Caller } from '../access/rights.ts'
import type { Serving } from '../serving.ts'

/** A shape of an object: parameters of a path, of a query, or a body. */
export type ObjectShape = Shape & { readonly type: 'object' }

/** Nothing at all. */
export const NOTHING = { type: 'object', additionalProperties: false, properties: {} } as const satisfies ObjectShape

/** A request that was understood and may be answered. */
export interface Call<Path, Query, Body> {
  readonly path: Path
  readonly query: Query
  readonly body: Body
  readonly caller: Caller
  /** The number of the request, for logs, the audit trail and answers. */
  readonly request: string
  /** The network address that it came from. */
  readonly address: string
  /** Method and path as they came. */
  readonly target: string
  header(name: string): string | undefined
}

/** What is sent: a value as JSON, a text, lines as they come, or whatever `stream` does with the connection. */
export type Answer =
  | { readonly json: object; readonly status?: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly text: string; readonly type: string; readonly headers?: Readonly<Record<string, string>> }
  | { readonly lines: AsyncIterable<string>; readonly type: string }
  | { readonly stream: (sink: StreamSink) => Promise<void> }

/** A connection that stays open. */
export interface StreamSink {
  /** Ends when the client goes away or the server stops. */
  readonly signal: AbortSignal
  /** Sends a text; resolves when the client can take more. Rejects when it cannot for too long. */
  write(text: string): Promise<void>
}

/** What can be asked at one path in one way: what the request is checked by, the API's description, and what answers. */
export interface Route<Path = object, Query = object, Body = object> {
  /** The operation's name in the API's description. */
  readonly id: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** `{name}` is a parameter. */
  readonly at: string
  readonly summary: string
  readonly description?: string
  readonly group: 'images' | 'work' | 'decisions' | 'record' | 'access' | 'server'
  /** The right that it needs; `undefined` for what is open to everybody. */
  readonly action: Action | undefined
  readonly path: ObjectShape
  readonly query: ObjectShape
  /** Without one, a body is refused. */
  readonly body: ObjectShape | undefined
  /** Headers that it takes, by name in small letters. */
  readonly headers: ObjectShape
  /** What it gives: the shape of its JSON, or a media type. */
  readonly gives: Shape | { readonly media: string }
  /** Of the answer; 200 where nothing is said. */
  readonly status?: number
  /** The status where the same was asked before, if that is another one. */
  readonly again?: number
  readonly answer: (call: Call<Path, Query, Body>, serving: Serving) => Promise<Answer>
}

/** Declares a route: parameters and body have the types that their shapes say. */
export function route<
  const Path extends ObjectShape = typeof NOTHING,
  const Query extends ObjectShape = typeof NOTHING,
  const Body extends ObjectShape = typeof NOTHING,
>(declared: {
  readonly id: string
  readonly method: Route['method']
  readonly at: string
  readonly summary: string
  readonly description?: string
  readonly group: Route['group']
  readonly action: Action | undefined
  readonly path?: Path
  readonly query?: Query
  readonly body?: Body
  readonly headers?: ObjectShape
  readonly gives: Route['gives']
  readonly status?: number
  readonly again?: number
  readonly answer: (call: Call<XStatic<Path>, XStatic<Query>, XStatic<Body>>, serving: Serving) => Promise<Answer>
}): Route {
  const { path = NOTHING, query = NOTHING, headers = NOTHING, body, answer, ...rest } = declared
  return {
    ...rest,
    path,
    query,
    headers,
    body,
    // The one cast, behind the checks: a route is only ever called with what fits its shapes.
    answer: (call, serving) => answer(call as Call<XStatic<Path>, XStatic<Query>, XStatic<Body>>, serving),
  }
}
