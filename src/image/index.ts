export { applyEffects, type EffectsResult } from './effects/apply-effects.ts'
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
export { MemoryTree } from './memory-tree.ts'
export type { DirectoryEntry, FileEntry, HardlinkEntry, Origin, SymlinkEntry, Tree, TreeEntry } from './tree.ts'
