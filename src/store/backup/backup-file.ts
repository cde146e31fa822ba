import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { CasemateError, messageOf } from '#core'
import type { DatabaseAddress } from '../address.ts'
import { Database } from '../database.ts'
import { StoreError } from '../errors.ts'
import { readMigrations } from '../migrations.ts'
import { exportBackup } from './export.ts'
import { restoreBackup } from './restore.ts'

/**
 * Writes a backup of everything to a file that only its owner reads; gives how many rows there are. It appears whole and durable,
 * in place of one that was there, or not at all. Rejects with `DATABASE_FAILED`, and with `BACKUP_FAILED` where it cannot be written.
 */
export async function writeBackup(database: Database, path: string): Promise<number> {
  const aside = `${path}.partial-${process.pid}`
  try {
    const file = await open(aside, 'wx', 0o600)
    let rows: number
    try {
      rows = await exportBackup(database, async (line) => void (await file.writeFile(line)))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(aside, path)
    const folder = await open(dirname(path), 'r')
    await folder.sync().finally(() => folder.close())
    return rows
  } catch (cause) {
    await rm(aside, { force: true })
    if (cause instanceof StoreError) throw cause
    throw new StoreError('BACKUP_FAILED', `cannot write the backup ${path}: ${messageOf(cause)}`, { cause })
  }
}

/**
 * Restores a backup from a file as `restoreBackup` does, into the database at an address. Rejects with `BACKUP_FAILED` where the
 * file cannot be read.
 */
export async function readBackup(address: DatabaseAddress, path: string): Promise<number> {
  const unreadable = (cause: unknown) =>
    new StoreError('BACKUP_FAILED', `cannot read the backup ${path}: ${messageOf(cause)}`, { cause })
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw unreadable(cause)
  })
  try {
    const database = await Database.open(address)
    try {
      const bytes = file.createReadStream({ autoClose: false })
      return await restoreBackup(database, { bytes, name: basename(path) }, await readMigrations())
    } catch (cause) {
      throw cause instanceof CasemateError ? cause : unreadable(cause)
    } finally {
      await database.close()
    }
  } finally {
    await file.close()
  }
}
