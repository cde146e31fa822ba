/**
 * Reads os-release(5): shell-like assignments, quoted or not, without expansion. A line that is none is passed over, as the
 * specification asks of readers.
 */
export function parseOsRelease(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, name, value] = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line.trim()) ?? []
    if (name === undefined || value === undefined) continue
    const quoted = /^"(.*)"$|^'(.*)'$/.exec(value)
    fields.set(name, (quoted?.[1] ?? quoted?.[2] ?? value).replaceAll(/\\([\\"$`'])/g, '$1'))
  }
  return fields
}
