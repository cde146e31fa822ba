import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { parseDigest, type TarHeader } from '#core'
import { readDebControl, readDebData } from '#debian'
import { compressBlock } from '../codec.ts'
import { cutBlocks, planMember, type UnpackedEntry } from '../member-plan.ts'
import { databaseEntries } from '../package-database.ts'
import type { UnpackResult, UnpackTask } from './member-task.ts'
import { Spill } from './spill.ts'

/**
 * Takes a .deb apart and compresses it as its recipe says; nothing of it touches the host but the spill. Throws what the
 * readers throw for a hostile or damaged package.
 */
export function unpackMember(task: UnpackTask): UnpackResult {
  const file = openSync(task.deb, 'r')
  using spill = new Spill(task.spill)
  try {
    const read = (offset: number, length: number) => {
      const bytes = Buffer.allocUnsafe(length)
      return bytes.subarray(0, readSync(file, bytes, 0, length, offset))
    }
    return unpack(task, { read, size: fstatSync(file).size }, spill)
  } finally {
    closeSync(file)
  }
}
