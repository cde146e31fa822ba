import { gnuId, knownSpdxIds } from '../licences/short-names.ts'

const IDS = new Map(knownSpdxIds().map((id) => [id.toLowerCase(), id]))
const EXCEPTIONS = new Map(
  [
    'Autoconf-exception-3.0',
    'Bison-exception-2.2',
    'Classpath-exception-2.0',
    'GCC-exception-3.1',
    'LLVM-exception',
  ].map((id) => [id.toLowerCase(), id] as const),
)
/** The longest expression that is looked at. */
const LONGEST = 1000
const DEPTH = 20

/**
 * Gives the SPDX expression that a package declares, identifiers in SPDX's own spelling (SPDX 2.3, annex D); `undefined` for
 * anything else, a licence's name in plain words among it. The deprecated `GPL-2.0` and `GPL-2.0+` are written as today.
 */
export function declaredLicence(text: unknown): string | undefined {
  if (typeof text !== 'string' || text.length > LONGEST) return undefined
  const tokens = text.match(/[()]|[^\s()]+/g) ?? []
  const at = { next: 0 }
  const expression = readOr(tokens, at, 0)
  return at.next === tokens.length ? expression : undefined
}

interface Cursor {
  next: number
}

function readOr(tokens: readonly string[], at: Cursor, depth: number): string | undefined {
  return readChain(tokens, at, { word: 'OR', read: () => readAnd(tokens, at, depth) })
}

function readAnd(tokens: readonly string[], at: Cursor, depth: number): string | undefined {
  return readChain(tokens, at, { word: 'AND', read: () => readOne(tokens, at, depth) })
}

function readChain(
  tokens: readonly string[],
  at: Cursor,
  { word, read }: { word: string; read: () => string | undefined },
): string | undefined {
  let expression = read()
  while (expression !== undefined && tokens[at.next]?.toUpperCase() === word) {
    at.next++
    const right = read()
    expression = right === undefined ? undefined : `${expression} ${word} ${right}`
  }
  return expression
}

function readOne(tokens: readonly string[], at: Cursor, depth: number): string | undefined {
  const token = tokens[at.next++]
  if (token === undefined || depth > DEPTH) return undefined
  if (token === '(') {
    const inner = readOr(tokens, at, depth + 1)
    return tokens[at.next++] === ')' && inner !== undefined ? `(${inner})` : undefined
  }
  const id = idOf(token)
  if (id === undefined || tokens[at.next]?.toUpperCase() !== 'WITH') return id
  const exception = EXCEPTIONS.get(tokens[at.next + 1]?.toLowerCase() ?? '')
  at.next += 2
  return exception === undefined ? undefined : `${id} WITH ${exception}`
}

function idOf(token: string): string | undefined {
  const [, family, version = '', plus] = /^(AGPL|GFDL|LGPL|GPL)-(\d\.\d)(\+)?$/i.exec(token) ?? []
  if (family !== undefined) return gnuId(family.toUpperCase(), version, plus !== undefined)
  return IDS.get(token.toLowerCase())
}
