const PATTERN = /^[0-9]+(?:\.[0-9A-Za-z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/

/** Whether `Gem::Version` takes a text for a version. */
export function isRubyVersion(text: string): boolean {
  return PATTERN.test(text)
}

/** Orders two versions as `Gem::Version#<=>` does: a part with letters makes a pre-release and sorts before any number. */
export function compareRubyVersions(left: string, right: string): number {
  const [one, other] = [segmentsOf(left), segmentsOf(right)]
  for (let index = 0; index < Math.max(one.length, other.length); index++) {
    const order = compareSegments(one[index] ?? 0n, other[index] ?? 0n)
    if (order !== 0) return order
  }
  return 0
}

/** Numbers and words; a hyphen stands for `.pre.`, zeros before the first word and at the end mean nothing. */
function segmentsOf(version: string): readonly (bigint | string)[] {
  const parts = version.replaceAll('-', '.pre.').match(/[0-9]+|[A-Za-z]+/g) ?? []
  const segments = parts.map((part) => (/^[0-9]/.test(part) ? BigInt(part) : part))
  const word = segments.findIndex((segment) => typeof segment === 'string')
  const numbers = word < 0 ? segments : segments.slice(0, word)
  return [...withoutZeros(numbers), ...withoutZeros(word < 0 ? [] : segments.slice(word))]
}

function withoutZeros(segments: readonly (bigint | string)[]): readonly (bigint | string)[] {
  return segments.slice(0, segments.findLastIndex((segment) => segment !== 0n) + 1)
}

function compareSegments(left: bigint | string, right: bigint | string): number {
  if (typeof left !== typeof right) return typeof left === 'string' ? -1 : 1
  return left < right ? -1 : Number(left > right)
}
