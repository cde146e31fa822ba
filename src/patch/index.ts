export { PatchError, type PatchErrorCode } from './errors.ts'
export { type ImagePatch, type PatchOptions, patchImage } from './io/patch-image.ts'
export type { KeptConffile } from './put-package.ts'
export { type KeptBack, planUpgrade, type Upgrade, type UpgradePlan, type UpgradeWish } from './upgrade-plan.ts'
