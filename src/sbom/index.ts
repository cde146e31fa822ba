export { formatCycloneDx } from './cyclonedx.ts'
export type { DebComponent, Distribution, InventoriedImage, Inventory } from './inventory.ts'
export { debPurl, imagePurl } from './purl.ts'
export { type DocumentMaker, formatSpdx } from './spdx.ts'
