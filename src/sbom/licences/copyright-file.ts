/** A licence as a paragraph of a copyright file states it: the first line, and the text below it. */
export interface LicenceField {
  /** What stands behind `License:`: short names with `and` and `or`. May be empty. */
  readonly synopsis: string
  /** The lines below, without the marks of continuation; empty where there are none. */
  readonly text: string
}

/** A machine-readable copyright file (copyright-format 1.0). */
export interface CopyrightFile {
  /** The licence of the package as a whole, and those of its Files paragraphs, in order, each synopsis with its text once. */
  readonly stated: readonly LicenceField[]
  /** Stand-alone License paragraphs, in order. */
  readonly texts: readonly LicenceField[]
}

interface Paragraph {
  readonly fields: Map<string, string[]>
}

const FORMAT = /^\s*Format(?:-Specification)?:/im
const HEAD = 4096

/**
 * Takes a machine-readable copyright file apart, or gives `undefined` for one that is free text. Real files break the rules
 * of continuation lines: an indented line belongs to the field above it, also behind an empty one, and so does a line
 * without a field name.
 */
export function parseCopyrightFile(text: string): CopyrightFile | undefined {
  if (!FORMAT.test(text.slice(0, HEAD))) return undefined
  const [header, ...others] = paragraphsOf(text)
  const stated: LicenceField[] = []
  const texts: LicenceField[] = []
  const seen = new Set<string>()
  for (const paragraph of [header, ...others]) {
    const lines = paragraph?.fields.get('license')
    if (paragraph === undefined || lines === undefined) continue
    const field = licenceField(lines)
    if (field.synopsis === '' && field.text === '') continue
    if (paragraph !== header && !paragraph.fields.has('files')) {
      texts.push(field)
      continue
    }
    const key = `${field.synopsis}\0${field.text}`
    if (!seen.has(key)) stated.push(field)
    seen.add(key)
  }
  return stated.length === 0 ? undefined : { stated, texts }
}

function paragraphsOf(text: string): Paragraph[] {
  const paragraphs: Paragraph[] = []
  let current: Paragraph | undefined
  let last: string[] | undefined
  for (const line of text.split(/\r?\n/)) {
    const [, name = '', value = ''] = /^([A-Za-z][A-Za-z0-9-]*):(.*)$/.exec(line) ?? []
    if (line.trim() === '') {
      current = undefined
    } else if (name === '' && last !== undefined) {
      last.push(line)
    } else if (name !== '') {
      if (current === undefined) {
        current = { fields: new Map() }
        paragraphs.push(current)
      }
      last = [value]
      // A field that is given twice keeps both: nothing that is stated may get lost.
      const before = current.fields.get(name.toLowerCase())
      if (before === undefined) current.fields.set(name.toLowerCase(), last)
      else last = before
    }
  }
  return paragraphs
}

function licenceField([first = '', ...rest]: readonly string[]): LicenceField {
  const lines = rest.map((line) => line.replace(/^[ \t]/, '').trimEnd()).map((line) => (line === '.' ? '' : line))
  return { synopsis: first.trim(), text: lines.join('\n').trim() }
}
