import { nearest } from '#core'
import { ImageError } from '../errors.ts'
import type { Definition, Fragment, LoadedDefinition, Settings } from './definition.ts'
import type { DefinitionFile } from './resolve-definition.ts'

/** What is left of settings once those that are taken away are gone. */
export function settingsLeft(settings: Settings): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(settings).flatMap(([name, text]) => (text === null ? [] : [[name, text]])))
}

/** Who takes a setting away that nobody has made has misspelt it. Throws `DEFINITION_INVALID`. */
export function checkRemovals(chain: readonly DefinitionFile[], base: LoadedDefinition | undefined): void {
  const documents = chain.map(({ definition }) => fragmentsOf(definition))
  const below = base === undefined ? [] : fragmentsOf(base)
  for (const key of ['environment', 'labels', 'annotations'] as const) {
    const made = new Set(
      [...below, ...documents.flat()].flatMap((fragment) =>
        Object.entries(fragment[key]).flatMap(([name, text]) => (text === null ? [] : [name])),
      ),
    )
    for (const { file, definition } of chain) {
      const gone = fragmentsOf(definition).flatMap((fragment) => Object.entries(fragment[key]))
      const idle = gone.find(([name, text]) => text === null && !made.has(name))
      if (idle === undefined) continue
      const near = nearest(idle[0], [...made])
      const hint = near === undefined ? '' : `: did you mean ${near}?`
      const reason = `nothing that it extends or stacks on has it${hint}`
      throw new ImageError('DEFINITION_INVALID', `cannot take ${idle[0]} away from the ${key} by ${file}: ${reason}`)
    }
  }
}

function fragmentsOf(definition: Definition<unknown, unknown>): readonly Fragment<unknown, unknown>[] {
  return [definition, ...Object.values(definition.variants)]
}
