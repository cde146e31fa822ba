export { type NamedFiles, namedFiles } from './named-files.ts'
export {
  analyseReach,
  formatChain,
  type ImageReach,
  isReachPath,
  type PackageReach,
  REACH_STATES,
  type ReachState,
} from './reach.ts'
export type { ProcessStart, ReachHow, ReachStep } from './walk.ts'
