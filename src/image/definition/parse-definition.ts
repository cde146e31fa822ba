import { type Fault, faultsOf, parseYaml, placeFaults, reportFaults, type YamlDocument } from '#core'
import { ImageError } from '../errors.ts'
import type { Definition } from './definition.ts'
import { type DefinitionDocument, definitionSchema } from './definition-schema.ts'
import { readDefinition } from './read-definition.ts'

const INTENT = 'cannot read definition'
const MAX_BYTES = 1024 * 1024

/**
 * Reads a definition file's text. `file` is the name that errors give it. Throws `DEFINITION_INVALID` with every fault
 * that was found: `file:line:column: place in the document: what was found and what is wanted`.
 */
export function parseDefinition(text: string, file: string): Definition {
  return parseDefinitionFile(text, file).definition
}

/** The same, with the way back from a value of the document to its place in the text. */
export function parseDefinitionFile(
  text: string,
  file: string,
): { readonly definition: Definition; readonly locate: YamlDocument['locate'] } {
  if (text.length > MAX_BYTES) {
    throw invalid(`${INTENT} ${file}: it is longer than 1 MiB`)
  }
  const document = parseYaml(text)
  if (!('value' in document)) throw invalid(reportFaults(INTENT, file, document))
  const { value } = document
  const faults = faultsOf(definitionSchema, value)
  if (!isDefinitionDocument(value, faults))
    throw invalid(reportFaults(INTENT, file, placeFaults(faults, document), faults.length))
  const { definition, faults: doubts } = readDefinition(value, document.source, file)
  if (doubts.length > 0) throw invalid(reportFaults(INTENT, file, placeFaults(doubts, document), doubts.length))
  return { definition, locate: document.locate }
}

/** The schema is where the document's type is inferred from, so a value without faults has it. */
function isDefinitionDocument(_value: unknown, faults: readonly Fault[]): _value is DefinitionDocument {
  return faults.length === 0
}

function invalid(message: string): ImageError {
  return new ImageError('DEFINITION_INVALID', message)
}
