import { visibleText } from '#core'

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** A piece of HTML in which nothing of the outside can be markup. Only `html` makes it. */
export class Html {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

/** What stands in a piece of HTML: text, which is escaped, other pieces, or nothing. */
type Part = Html | string | number | undefined | false | readonly Part[]

/**
 * Writes HTML. Whatever stands in it is text there, in an element as well as in a quoted attribute, unless it is HTML itself; and what
 * would steer a terminal or turn text round is shown as it is written.
 */
export function html(pieces: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(pieces.map((piece, at) => (at === 0 ? piece : `${textOf(parts[at - 1])}${piece}`)).join(''))
}

function textOf(part: Part): string {
  if (part === undefined || part === false) return ''
  if (part instanceof Html) return part.toString()
  if (typeof part === 'object') return part.map(textOf).join('')
  return visibleText(String(part)).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
