import { type EffectiveDefinition, type EffectiveValue, effectiveValues, type OpenedDefinition } from '#image'
import { relativePlace } from './relative-place.ts'
import type { Terminal } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** Where values and their places are told apart on a wide terminal. */
const COLUMN = 48

/**
 * Prints what a variant of a definition says in the end, as YAML, with who has the last word on each value; `asJson` as one
 * JSON document with a row a value.
 */
export function printEffective(
  { definition }: OpenedDefinition,
  effective: EffectiveDefinition,
  { asJson, terminal }: { asJson: boolean; terminal: Terminal },
): void {
  const values = effectiveValues(definition, effective)
  if (asJson) {
    const { image, variant } = effective
    terminal.print(JSON.stringify({ schema: 'casemate.effective/v1', image, variant, values }, null, 2))
    return
  }
  for (const line of effectiveLines(values, terminal)) terminal.print(line)
}

/** Values under their keys, the members of lists and maps below; a default has no place. */
function effectiveLines(values: readonly EffectiveValue[], terminal: Pick<Terminal, 'style'>): string[] {
  let open: readonly string[] = []
  return values.flatMap((value) => {
    const parents =
      value.isMember || value.name !== undefined ? value.key.split('.') : value.key.split('.').slice(0, -1)
    const heads = parents.flatMap((key, depth) => {
      const isOpen = open.slice(0, depth + 1).join('.') === parents.slice(0, depth + 1).join('.')
      return isOpen ? [] : [`${'  '.repeat(depth)}${key}:`]
    })
    open = parents
    return [...heads, ...withOrigin(valueLine(value, parents.length), value, terminal)]
  })
}

function valueLine({ key, name, value, isMember }: EffectiveValue, depth: number): string {
  const text = visibleText(JSON.stringify(value))
  const label = isMember ? '-' : `${visibleText(name ?? key.split('.').at(-1) ?? '')}:`
  return `${'  '.repeat(depth)}${label} ${text}`
}

/** Behind a short value, above a long one. */
function withOrigin(line: string, value: EffectiveValue, { style }: Pick<Terminal, 'style'>): readonly string[] {
  const place = value.place === undefined ? '' : ` ${relativePlace(value.place)}`
  const who = value.from === undefined ? 'default' : `${value.isBase ? 'base ' : ''}${value.from}${place}`
  const comment = style('dim', `# ${visibleText(who)}`)
  const [indent = ''] = /^ */.exec(line) ?? []
  return line.length > COLUMN ? [indent + comment, line] : [`${line.padEnd(COLUMN)} ${comment}`]
}
