import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { RecentlyMade } from '#core'
import type { LayerCodec } from '../member.ts'
import { DerivedStore } from './derived-store.ts'
import { LayerStore } from './layer-store.ts'
import type { LayerWorkshop } from './layers.ts'
import { MemberStore } from './member-store.ts'
import type { MemberPool } from './member-task.ts'

/** Bases of a fleet on two platforms that are held at a time. */
const BASES = 64

/** How a workshop works. */
export interface WorkshopOptions {
  readonly codec: LayerCodec
  /** E.g. the process id; stands in the names of unfinished files. */
  readonly owner: string
  /** Who wants to know of layers what an inventory reads in them, see `builtLayerFacts`; nobody unless given. */
  readonly reader?: string
}

/**
 * Opens the place where layers are made, below a cache folder. What makes names of unfinished files unique is added to the owner,
 * because containers that share a cache share process ids too.
 */
export function openWorkshop(
  cache: string,
  pool: MemberPool,
  { codec, owner, reader }: WorkshopOptions,
): LayerWorkshop {
  const unique = `${owner}.${randomBytes(4).toString('hex')}`
  return {
    members: new MemberStore(join(cache, 'members'), unique, reader),
    layers: new LayerStore(join(cache, 'layers'), unique),
    derived: new DerivedStore(join(cache, 'derived'), unique),
    pool,
    codec,
    bases: new RecentlyMade(BASES),
  }
}
