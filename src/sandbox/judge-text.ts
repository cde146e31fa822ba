import type { TextExpectation } from './expectation.ts'
import type { Output } from './outcome.ts'
import { formatPattern, isFoundIn } from './pattern.ts'

/** Every reason why a text is not as it should be; `name` says what text it is. */
export function judgeText(name: string, want: TextExpectation | undefined, got: Output): string[] {
  if (!want) return []
  const { equals, contains, matches, excludes } = want
  const said = `${got.truncated ? ' (cut short)' : ''}; it is ${excerpt(got.text)}`
  const reasons: string[] = []
  if (equals !== undefined && chomp(got.text) !== chomp(equals))
    reasons.push(`${name} is not ${excerpt(equals)}${said}`)
  if (contains !== undefined && !got.text.includes(contains)) {
    reasons.push(`${name} does not contain ${excerpt(contains)}${said}`)
  }
  for (const pattern of matches) {
    if (!isFoundIn(got.text, pattern)) reasons.push(`${name} does not match ${formatPattern(pattern)}${said}`)
  }
  for (const pattern of excludes) {
    if (isFoundIn(got.text, pattern)) reasons.push(`${name} matches ${formatPattern(pattern)}, want it not to${said}`)
    else if (got.truncated)
      reasons.push(`${name} is longer than what is kept of it: it may match ${formatPattern(pattern)}`)
  }
  return reasons
}

/** A text that must contain another one; anything where none is given. */
export function textContaining(contains: string | undefined): TextExpectation | undefined {
  return contains === undefined ? undefined : { contains, matches: [], excludes: [] }
}

/** A text of which nothing is missing. */
export function textOf(text: string): Output {
  return { text, truncated: false }
}

/** A text, or its beginning, in quotes and on one line. */
export function excerpt(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)
}

function chomp(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text
}
