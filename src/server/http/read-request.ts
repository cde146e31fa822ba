import type { IncomingMessage } from 'node:http'
import { type Fault, faultsOf, readStrictJson } from '#core'
import { hasBody } from './exchange.ts'
import { invalidRequest, problem } from './problem.ts'
import type { ObjectShape, Route } from './route.ts'

/** The most bytes of a body. */
export const MAX_BODY = 64 * 1024

/** Parameters of a path, a query or headers as their shape wants them. Throws a `REQUEST_INVALID` that names each fault. */
export function readParameters(
  part: 'path' | 'query' | 'header',
  shape: ObjectShape,
  given: Readonly<Record<string, string>>,
): object {
  const value = Object.fromEntries(
    Object.entries(given).map(([name, text]) => [name, convert(shape.properties?.[name]?.type, text)]),
  )
  const faults = faultsOf(shape, value)
  if (faults.length > 0) throw invalidRequest(part, faults)
  return value
}

/** The parameters of a query. Throws a `REQUEST_INVALID` for one that stands twice. */
export function queryParameters(query: string): Readonly<Record<string, string>> {
  const given: Record<string, string> = Object.create(null)
  for (const [name, value] of new URLSearchParams(query)) {
    const twice: Fault = { path: [name], at: 'key', message: 'it stands twice' }
    if (Object.hasOwn(given, name)) throw invalidRequest('query', [twice])
    given[name] = value
  }
  return { ...given }
}

/** Texts of a query as the types of their shapes, where they can be that. */
function convert(type: ObjectShape['type'] | string | undefined, text: string): unknown {
  if (type === 'integer' && /^-?\d{1,16}$/.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

/**
 * The body of a request as its route wants it. Reads no more than `MAX_BODY` bytes and no longer than `time` milliseconds. Throws
 * `REQUEST_INVALID`, `MEDIA_TYPE_UNKNOWN`, `REQUEST_TOO_LARGE` or `REQUEST_SLOW`.
 */
export async function readBody(request: IncomingMessage, route: Route, time: number): Promise<object> {
  const { 'content-type': type = '' } = request.headers
  const isEmpty = !hasBody(request)
  if (route.body === undefined) {
    if (isEmpty) return {}
    throw problem('REQUEST_INVALID', 'cannot take the request: it has a body, and nothing is asked that way')
  }
  if (isEmpty) throw problem('REQUEST_INVALID', 'cannot take the request: it has no body')
  // A form of some page can send other types across sites without asking; this one it cannot.
  if (!/^application\/json\s*(;\s*charset=utf-8\s*)?$/i.test(type)) {
    throw problem('MEDIA_TYPE_UNKNOWN', 'cannot take the body: want content-type: application/json')
  }
  const read = readStrictJson(await wholeBody(request, time), { maxBytes: MAX_BODY, maxDepth: 16 })
  if ('fault' in read) throw problem('REQUEST_INVALID', `cannot read the body: ${read.fault}`)
  const faults = faultsOf(route.body, read.value)
  if (faults.length > 0) throw invalidRequest('body', faults)
  return read.value as object
}

async function wholeBody(request: IncomingMessage, time: number): Promise<Buffer> {
  const tooLarge = () => problem('REQUEST_TOO_LARGE', `cannot take more than ${MAX_BODY} bytes`)
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY) throw tooLarge()
  const chunks: Uint8Array[] = []
  let size = 0
  let isLate = false
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    isLate = true
    reject(problem('REQUEST_SLOW', `cannot wait longer than ${time / 1000} s for the body`))
  }, time)
  const reading = (async () => {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      size += chunk.length
      if (isLate) break
      if (size > MAX_BODY) throw tooLarge()
      chunks.push(chunk)
    }
  })()
  try {
    await Promise.race([reading, late])
  } finally {
    clearTimeout(timer)
    // Whichever lost the race is of no interest any more.
    late.catch(() => undefined)
    reading.catch(() => undefined)
  }
  return Buffer.concat(chunks)
}
