/**
 * Whether a name is one that a pattern means: a star stands for anything but a slash, two stars for anything. Every way through the
 * pattern is followed at once, so that none takes long.
 */
export function matchesNamePattern(pattern: string, name: string): boolean {
  const parts = pattern.match(/\*+|[^*]/gu) ?? []
  const skip = (at: number): number[] => [at, ...(parts[at]?.startsWith('*') ? skip(at + 1) : [])]
  let places = new Set(skip(0))
  for (const character of name) {
    const next = new Set<number>()
    for (const at of places) {
      const part = parts[at] ?? ''
      const stays = part.length > 1 && part.startsWith('*') ? true : part === '*' && character !== '/'
      for (const reached of stays ? skip(at) : part === character ? skip(at + 1) : []) next.add(reached)
    }
    places = next
  }
  return places.has(parts.length)
}
