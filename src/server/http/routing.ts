import type { Route } from './route.ts'

/** A path's template in parts: a fixed word, or a parameter. */
type Part = { readonly fixed: string } | { readonly parameter: string }

/** The routes of one path, by method. */
interface Place {
  readonly parts: readonly Part[]
  readonly methods: Map<string, Route>
}

/** What a path leads to: the methods that it takes, and what stands in place of its parameters. */
export interface Found {
  readonly methods: ReadonlyMap<string, Route>
  readonly parameters: Readonly<Record<string, string>>
}

/** Routes by their paths. Where two templates fit, the one that comes first wins. */
export class Routing {
  readonly #places = new Map<string, Place>()

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const place = this.#places.get(route.at) ?? { parts: partsOf(route.at), methods: new Map<string, Route>() }
      if (place.methods.has(route.method)) throw new Error(`${route.method} ${route.at} is declared twice`)
      place.methods.set(route.method, route)
      this.#places.set(route.at, place)
    }
  }

  /**
   * Finds where a path leads, as it came over the wire. Only a parameter may hold an encoded slash, and nothing is normalised: `..`
   * and empty parts lead nowhere. Gives `undefined` for a path that leads nowhere.
   */
  find(path: string): Found | undefined {
    const segments = path.split('/').slice(1).map(decode)
    for (const { parts, methods } of this.#places.values()) {
      const parameters = matchParts(parts, segments)
      if (parameters !== undefined) return { methods, parameters }
    }
    return undefined
  }
}

function partsOf(template: string): readonly Part[] {
  return template
    .split('/')
    .slice(1)
    .map((part) => (part.startsWith('{') ? { parameter: part.slice(1, -1) } : { fixed: part }))
}

function matchParts(
  parts: readonly Part[],
  segments: readonly (string | undefined)[],
): Readonly<Record<string, string>> | undefined {
  if (parts.length !== segments.length) return undefined
  const parameters: Record<string, string> = {}
  for (const [at, part] of parts.entries()) {
    const segment = segments[at]
    if (segment === undefined) return undefined
    if ('parameter' in part) parameters[part.parameter] = segment
    else if (part.fixed !== segment) return undefined
  }
  return parameters
}

function decode(segment: string): string | undefined {
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
