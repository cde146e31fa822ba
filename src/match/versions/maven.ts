/** A part of a version with what stands before it. */
interface Token {
  readonly isHyphened: boolean
  readonly value: bigint | string
}

/** Qualifiers that have a place of their own, around the empty one; all others come after `sp`, by the alphabet. */
const QUALIFIERS = ['alpha', 'beta', 'milestone', 'rc', 'snapshot', '', 'sp']

const SAME: Readonly<Record<string, string>> = { cr: 'rc', ga: '', final: '', release: '' }

/** Short forms, which mean this where a number follows at once. */
const SHORT: Readonly<Record<string, string>> = { a: 'alpha', b: 'beta', m: 'milestone' }

/** Maven takes any text for a version; one without a letter or digit says nothing. */
export function isMavenVersion(text: string): boolean {
  return /[0-9A-Za-z]/.test(text)
}

/** Orders two versions as Maven's `ComparableVersion` does (POM reference, "Version Order Specification"). */
export function compareMavenVersions(left: string, right: string): number {
  const [one, other] = [tokensOf(left), tokensOf(right)]
  for (let index = 0; index < Math.max(one.length, other.length); index++) {
    const order = compareTokens(one[index], other[index])
    if (order !== 0) return order
  }
  return 0
}

/** Parts at dots, hyphens and where letters and digits meet; what means nothing at an end is left out. */
function tokensOf(version: string): readonly Token[] {
  const tokens: Token[] = []
  let isHyphened = false
  for (const part of version.toLowerCase().split(/([.\-_])/)) {
    if (part === '.' || part === '-' || part === '_') {
      isHyphened = part !== '.'
      continue
    }
    const pieces = part.match(/[0-9]+|[^0-9]+/g) ?? ['0']
    for (const [index, piece] of pieces.entries()) {
      tokens.push({ isHyphened: isHyphened || index > 0, value: tokenValue(piece, pieces[index + 1] !== undefined) })
    }
  }
  return trimmed(tokens)
}

function tokenValue(piece: string, isFollowed: boolean): bigint | string {
  if (/^[0-9]+$/.test(piece)) return BigInt(piece)
  const long = isFollowed && Object.hasOwn(SHORT, piece) ? SHORT[piece] : undefined
  return long ?? (Object.hasOwn(SAME, piece) ? (SAME[piece] ?? piece) : piece)
}

/** Leaves out zeros and empty qualifiers before the end and before each hyphen, from the end to the start. */
function trimmed(tokens: readonly Token[]): readonly Token[] {
  const kept: Token[] = []
  let isEnd = true
  for (const token of [...tokens].reverse()) {
    const isNothing = token.value === 0n || token.value === ''
    if (isEnd && isNothing) continue
    kept.push(token)
    isEnd = token.isHyphened
  }
  return kept.reverse()
}

/** A part that is missing is nothing, in the form of the other one. */
function compareTokens(left: Token | undefined, right: Token | undefined): number {
  if (left === undefined || right === undefined) {
    const there = left ?? right
    if (there === undefined) return 0
    const nothing: Token = { ...there, value: typeof there.value === 'bigint' ? 0n : '' }
    return left === undefined ? compareTokens(nothing, there) : compareTokens(there, nothing)
  }
  const rank = rankOf(left) - rankOf(right)
  if (rank !== 0) return rank
  if (typeof left.value === 'bigint' && typeof right.value === 'bigint') {
    return left.value < right.value ? -1 : Number(left.value > right.value)
  }
  return compareQualifiers(String(left.value), String(right.value))
}

/** A qualifier, then a number after a hyphen, then a number after a dot. */
function rankOf({ isHyphened, value }: Token): number {
  if (typeof value === 'string') return 0
  return isHyphened ? 1 : 2
}

function compareQualifiers(left: string, right: string): number {
  const place = (qualifier: string) => (QUALIFIERS.indexOf(qualifier) + 1 || QUALIFIERS.length + 1) - 1
  return place(left) - place(right) || (left < right ? -1 : Number(left > right))
}
