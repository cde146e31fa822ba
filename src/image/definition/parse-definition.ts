import { type Fault, faultsOf, formatFault, type Place, parseYaml } from '#core'
import { ImageError } from '../errors.ts'
import type { Definition } from './definition.ts'
import { type DefinitionDocument, definitionSchema } from './definition-schema.ts'
import { readDefinition } from './read-definition.ts'

const MAX_BYTES = 1024 * 1024

/**
 * Reads a definition file's text. `file` is the name that errors give it. Throws `DEFINITION_INVALID` with every fault
 * that was found: `file:line:column: place in the document: what was found and what is wanted`.
 */
export function parseDefinition(text: string, file: string): Definition {
  if (text.length > MAX_BYTES) {
    throw new ImageError('DEFINITION_INVALID', `cannot read definition ${file}: it is longer than 1 MiB`)
  }
  const document = parseYaml(text)
  if (!('value' in document)) throw invalid(file, document)
  const { value } = document
  const faults = faultsOf(definitionSchema, value)
  if (isDefinitionDocument(value, faults)) {
    const { definition, faults: meanings } = readDefinition(value, document.source)
    if (meanings.length === 0) return definition
    throw invalid(file, meanings.map(located))
  }
  throw invalid(file, faults.map(located))

  function located(fault: Fault) {
    const place = 'locate' in document ? document.locate(fault.path, fault.at) : { line: 1, column: 1 }
    return { place, message: formatFault(fault) }
  }
}

/** The schema is where the document's type is inferred from, so a value without faults has it. */
function isDefinitionDocument(_value: unknown, faults: readonly Fault[]): _value is DefinitionDocument {
  return faults.length === 0
}

function invalid(file: string, faults: readonly { readonly place: Place; readonly message: string }[]): ImageError {
  const lines = [...faults]
    .sort((left, right) => left.place.line - right.place.line || left.place.column - right.place.column)
    .map(({ place, message }) => `${file}:${place.line}:${place.column}: ${message}`)
  const message =
    lines.length === 1
      ? `cannot read definition ${lines[0]}`
      : `cannot read definition ${file}: ${lines.length} faults\n${lines.map((line) => `  ${line}`).join('\n')}`
  return new ImageError('DEFINITION_INVALID', message)
}
