import { DebianError } from './errors.ts'

/**
 * One paragraph of a control file: field names in lower case, as deb-control(5) compares them, and their values.
 * Continuation lines are kept, joined by `\n`, each without its first character of white space.
 */
export type Stanza = ReadonlyMap<string, string>

/**
 * Reads one paragraph (deb-control(5), deb822(5)). `origin` names the input in errors. Throws `CONTROL_INVALID` for a
 * line without a field name, a continuation without a field, or a field that occurs twice.
 */
export function parseStanza(text: string, origin: string): Stanza {
  const fields = new Map<string, string>()
  let name = ''
  let line = 0
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    line++
    const first = text.charCodeAt(start)
    if (start === end) {
      start = end + 1
      continue
    }
    if (first === SPACE || first === TAB) {
      if (name === '') throw invalid(origin, line, 'a continuation line comes before any field')
      fields.set(name, `${fields.get(name) ?? ''}\n${text.slice(start + 1, end)}`)
    } else if (first !== HASH) {
      const colon = text.indexOf(':', start)
      if (colon <= start || colon > end) throw invalid(origin, line, 'want "Field: value"')
      name = text.slice(start, colon).toLowerCase()
      if (!/^[!-9;-~]+$/.test(name)) throw invalid(origin, line, `"${name}" is no field name`)
      if (fields.has(name)) throw invalid(origin, line, `field "${name}" occurs twice`)
      fields.set(name, text.slice(colon + 1, end).trim())
    }
    start = end + 1
  }
  return fields
}

/** Splits a control file into its paragraphs and reads each. Throws `CONTROL_INVALID`. */
export function parseStanzas(text: string, origin: string): Stanza[] {
  return splitParagraphs(text).map((paragraph, index) => parseStanza(paragraph, `${origin}, paragraph ${index + 1}`))
}

/** The paragraphs of a control file, which blank lines part, none of them blank itself (deb822(5)). */
export function splitParagraphs(text: string): readonly string[] {
  return text.split(/\n(?:[ \t]*\n)+/).filter((paragraph) => paragraph.trim() !== '')
}

const SPACE = 32
const TAB = 9
const HASH = 35

function invalid(origin: string, line: number, reason: string): DebianError {
  return new DebianError('CONTROL_INVALID', `cannot parse ${origin}: line ${line}: ${reason}`)
}
