import { parseStanza, type Stanza } from '#debian'
import { packageKey } from './package-state.ts'

export const STATUS_PATH = '/var/lib/dpkg/status'

/** A package's new paragraph. */
export interface NewParagraph {
  /** The control paragraph of the .deb. */
  readonly control: string
  /** Lines of the field `Conffiles`. */
  readonly conffiles: readonly string[]
}

/**
 * Puts new paragraphs in the places of those of the same package and architecture in dpkg's `status`, fields in dpkg's order;
 * all others stay byte for byte.
 */
export function rewriteStatus(status: string, paragraphs: ReadonlyMap<string, NewParagraph>): string {
  return status.replace(/[^\n](?:[^\n]|\n(?!\n))*/g, (text) => {
    const stanza = parseStanza(text, 'status')
    const key = packageKey({ name: stanza.get('package') ?? '', architecture: stanza.get('architecture') ?? '' })
    const found = paragraphs.get(key)
    return found === undefined ? text : formatParagraph(found, stanza) + (text.endsWith('\n') ? '\n' : '')
  })
}

/** By `packageKey`, the paragraphs of `status`. */
export function paragraphsOf(status: string): ReadonlyMap<string, Stanza> {
  return new Map(
    (status.match(/[^\n](?:[^\n]|\n(?!\n))*/g) ?? []).map((text) => {
      const stanza = parseStanza(text, 'status')
      return [packageKey({ name: stanza.get('package') ?? '', architecture: stanza.get('architecture') ?? '' }), stanza]
    }),
  )
}

/** The order in which dpkg writes fields (deb-control(5) names them, dpkg's parser orders them); others follow as they come. */
const ORDER = [
  ...['Package', 'Essential', 'Protected', 'Status', 'Priority', 'Section', 'Installed-Size', 'Origin', 'Maintainer'],
  ...['Bugs', 'Architecture', 'Multi-Arch', 'Source', 'Version', 'Config-Version', 'Replaces', 'Provides', 'Depends'],
  ...['Pre-Depends', 'Recommends', 'Suggests', 'Breaks', 'Conflicts', 'Enhances', 'Conffiles', 'Description'],
].map((name) => name.toLowerCase())

function formatParagraph({ control, conffiles }: NewParagraph, before: Stanza): string {
  const fields = new Map(fieldsOf(control).map((field) => [field.name.toLowerCase(), field]))
  fields.set('status', { name: 'Status', text: ` ${before.get('status') ?? 'install ok installed'}` })
  if (conffiles.length > 0)
    fields.set('conffiles', { name: 'Conffiles', text: conffiles.map((line) => `\n ${line}`).join('') })
  const rank = (name: string) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length)
  const sorted = [...fields].sort(([left], [right]) => rank(left) - rank(right))
  return sorted.map(([, { name, text }]) => `${name}:${text}`).join('\n')
}

/** The fields of a paragraph with their names as written and their text behind the colon, continuation lines included. */
function fieldsOf(paragraph: string): { readonly name: string; readonly text: string }[] {
  return [...paragraph.matchAll(/^([^\s:#][^:\n]*):((?:.*)(?:\n[ \t].*)*)/gm)].map(([, name = '', text = '']) => ({
    name,
    text: text.trimEnd(),
  }))
}
