export {
  type About,
  CATEGORIES,
  type Category,
  type Difference,
  parseAbout,
  type RuleException,
} from './catalogue/about.ts'
export { compressStream, prepareCodec } from './codec.ts'
export {
  compareDefinitions,
  DEFINITION_PARTS,
  type DefinitionChange,
} from './definition/compare-definitions.ts'
export type {
  Certificate,
  Contract,
  DefinedPath,
  Definition,
  EffectiveDefinition,
  Lifecycle,
  TestDeclaration,
} from './definition/definition.ts'
export { DERIVED_EFFECTS } from './definition/definition-schema.ts'
export { firstDefinition } from './definition/first-definition.ts'
export { definitionJsonSchema } from './definition/json-schema.ts'
export { parseDefinition } from './definition/parse-definition.ts'
export { PLATFORMS } from './definition/platforms.ts'
export {
  asksForPackageManager,
  type DefinitionFile,
  definitionDigest,
  definitionInputs,
  type ResolvedDefinition,
  resolveDefinition,
} from './definition/resolve-definition.ts'
export { expandTags, type VersionedPackage } from './definition/tags.ts'
export type {
  DerivedOutcome,
  DerivedProgram,
  DerivedRun,
  DerivedRunner,
  DerivedRunResult,
  RunnableLayer,
} from './derived/derived-runner.ts'
export { applyEffects, type EffectsResult } from './effects/apply-effects.ts'
export { parseCertificate } from './effects/certificate.ts'
export type {
  Account,
  Effect,
  EffectContext,
  EffectEntry,
  EffectInput,
  Group,
  InstalledPackage,
} from './effects/effect.ts'
export type { EffectChange } from './effects/overlay.ts'
export { effectSummaries } from './effects/registry.ts'
export { effectOfPath } from './effects/written-paths.ts'
export { ImageError, type ImageErrorCode } from './errors.ts'
export type { RunAs } from './execution.ts'
export { readAbout } from './io/about-files.ts'
export type { Assembly, FetchDebs } from './io/assemble.ts'
export {
  BASE_FILE,
  BASE_LOCK,
  baseFolder,
  imageFrom,
  type KeptBase,
  namesImage,
  readKeptBase,
} from './io/base-recipe.ts'
export { type BuiltImage, buildImage, type ImageInput } from './io/build-image.ts'
export {
  catalogueFolder,
  catalogueNames,
  DEFINITION_FILE,
  type DefinitionPlaces,
  definitionMembers,
  imageStackedOn,
  type OpenedDefinition,
  openDefinition,
  type StackedImage,
} from './io/definition-files.ts'
export { builtLayerFacts } from './io/layer-facts.ts'
export { checkLayers } from './io/measure-layer.ts'
export { openMemberPool } from './io/member-pool.ts'
export { openWorkshop } from './io/open-workshop.ts'
export { type SolvedLock, type SolveLockOptions, solveLock } from './io/solve-lock.ts'
export { openTaking, type TakeIn, type TakenIn, type TakenObject, type TakenSource, type Taker } from './io/take-in.ts'
export { assignLayers, type LayerAssignment, type SizedPackage } from './lock/assign-layers.ts'
export { compareLock } from './lock/compare-lock.ts'
export { formatLock } from './lock/format-lock.ts'
export { CURRENT_FORMAT, FORMATS } from './lock/formats.ts'
export { imageInputs, lockMismatches } from './lock/image-inputs.ts'
export {
  type DerivedResult,
  everyObserved,
  type Lock,
  type LockedBase,
  type LockedPackage,
  type LockedPlatform,
  layersOf,
  lockDerived,
  type ObservedSuite,
  packageKey,
  packagesOf,
  SHARED_LAYER,
} from './lock/lock.ts'
export { parseLock } from './lock/parse-lock.ts'
export type { MemberIndex, MemberOmission } from './member.ts'
export { MemoryTree } from './memory-tree.ts'
export { type FoundDeclaration, findDeclaration, memberAt } from './overlay/declaration-places.ts'
export { type EffectiveValue, effectiveValues } from './overlay/effective-values.ts'
export { pathRules } from './path-rules.ts'
export { type PinnedVersions, pinnedVersions } from './pinned-universe.ts'
export { BUILD_TYPE, type ProvenanceInput, type ProvenPlatform, provenanceOf } from './provenance.ts'
export {
  parseRecipe,
  type Recipe,
  type RecipeFiles,
  type RecipeInput,
  recipeDigests,
  recipeFiles,
  recipeOf,
  recipePredicate,
} from './recipe.ts'
export {
  type ClassifiedPackage,
  type ClassifiedScript,
  classifyScripts,
  type ScriptClass,
  type ScriptFragment,
} from './scripts/classify-scripts.ts'
export { readDiversions } from './scripts/diversions.ts'
export { selectPackages, type VariantSelections } from './select-packages.ts'
export { type TakenOrigin, takenOrigins } from './taken/taken-origin.ts'
export type { DirectoryEntry, FileEntry, HardlinkEntry, Origin, SymlinkEntry, Tree, TreeEntry } from './tree.ts'
