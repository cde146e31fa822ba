export { Attribution, attributePackages } from './attribution.ts'
export type { PackageStep } from './base-age.ts'
export { BaseFacts } from './base-facts.ts'
export { type ComposedRebase, composeRebased } from './compose-rebased.ts'
export { ImageTree, type UpperLayers, upperLayers } from './image-tree.ts'
export { type LayerListing, readLayerListing } from './layer-listing.ts'
export {
  type ListedApplication,
  type ListedBase,
  planRebase,
  type RebasedImage,
  type RebasePlan,
  type RebaseRequest,
  type RebaseSummary,
} from './plan-rebase.ts'
export {
  type BaseCandidate,
  type BaseRecognition,
  type BuiltOnSomething,
  type ProvenBase,
  recogniseBase,
  type StatedBase,
  statedBase,
} from './recognise-base.ts'
export { REFUSALS, type Refusal, type RefusalCode } from './refusal.ts'
