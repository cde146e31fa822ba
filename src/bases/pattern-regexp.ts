/**
 * A pattern of names as the source of a regular expression (RE2), for programs that know no stars of our kind. Names have letters,
 * digits and `. _ - : /` only, of which one means something else there.
 */
export function regexpOfPattern(pattern: string): string {
  return pattern.replace(/\*+|\./g, (part) => (part === '.' ? '[.]' : part === '*' ? '[^/]*' : '.*'))
}
