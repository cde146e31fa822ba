/** Values that stand in for one: variables, masks, paths of the system. */
const PLACEHOLDER =
  /^(?:\$\w+|\$\{[^}]*\}|\$\([^)]*\)|\{\{[^}]*\}\}|%\w+%|@\w+@|<[^>]*>|(.)\1*|(?:true|false|null)|\/(?:bin|etc|home|opt|tmp|usr|var)\/[\w./ -]+)$/i
/** Changes between letters and digits that a value made by chance has at least. */
const LEAST_CHANGES = 2
/** Letters of a word, and the part of a value's letters that stand in words at most otherwise. */
const WORD = 3
const MOST_IN_WORDS = 0.75

/** Whether a value only stands where a secret will. */
export function isPlaceholder(value: string): boolean {
  return PLACEHOLDER.test(value.slice(0, 2000))
}

/** Bits a character, as Shannon counts them. */
export function entropyOf(value: string): number {
  const counts = new Map<string, number>()
  for (const character of value) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length)
  return bits
}

/** Whether a value is mixed as names, versions and sentences are not: they have few numbers, and long words. */
export function isMixed(value: string): boolean {
  const parts = value.match(/[A-Z]?[a-z]+|[A-Z]+|[0-9]+/g) ?? []
  const isNumber = (part: string) => part <= '9~'
  const changes = parts.filter((part, place) => place > 0 && isNumber(part) !== isNumber(parts[place - 1] ?? part))
  if (changes.length >= LEAST_CHANGES) return true
  const letters = parts.join('').length
  return parts.filter((part) => part.length >= WORD).join('').length < letters * MOST_IN_WORDS
}

/** A secret as it may be shown: what kind it is can be seen, what it is cannot. */
export function redacted(value: string): string {
  const [line = ''] = value.split('\n')
  if (line.startsWith('-----BEGIN')) return `${line.slice(0, 60)}…`
  const shown = Math.min(4, Math.floor(value.length / 5))
  return `${value.slice(0, shown)}… (${value.length} characters)`
}
