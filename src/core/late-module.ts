import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/**
 * Gives a dependency that is loaded when it is first asked for, and waited for then: most runs need none of the large ones, whose
 * loading takes as long as the work itself. `name` is as in an import.
 */
export function lateModule<Module>(name: string): () => Module {
  let loaded: Module | undefined
  return () => {
    loaded ??= require(name) as Module
    return loaded
  }
}
