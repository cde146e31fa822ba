import type { Verb } from '../verb.ts'
import { buildVerb } from './build.ts'

/** Every verb, in the order of the help. */
export const verbs: readonly Verb[] = [buildVerb]
