import type { Json } from '#core'
import { definitionSchema } from './definition-schema.ts'

/**
 * Gives the JSON Schema (draft 2020-12) of definition files, for editors: the very value that `parseDefinition` checks
 * by, so the two cannot differ. `test` is the schema of one image test, which is not known here.
 */
export function definitionJsonSchema(test: Json = definitionSchema.properties.tests.items): Json {
  const { properties } = definitionSchema
  const variant = properties.variants.additionalProperties
  const tests = { ...properties.tests, items: test }
  const variants = {
    ...properties.variants,
    additionalProperties: { ...variant, properties: { ...variant.properties, tests } },
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    ...definitionSchema,
    properties: { ...properties, tests, variants },
  }
}
