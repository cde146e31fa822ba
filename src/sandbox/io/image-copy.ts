import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import { join } from 'node:path'
import { ContainerFiles } from './container-files.ts'
import type { PreparedImage } from './prepared-image.ts'
import { runTool } from './process.ts'
import { removeTree } from './rootfs.ts'

/**
 * A copy of an image's files for programs that change them, one after the other; its writable paths are folders of the
 * image's user, no file systems of their own, so that what is left there is found by the next program. Where the file system
 * can, the copy shares its blocks. Rejects with `SANDBOX_FAILED`, nothing left behind.
 */
export async function copyImage(image: PreparedImage): Promise<PreparedImage> {
  const { rootfs, contract, writable } = image
  const root = join(rootfs.directory, `copy-${randomUUID()}`)
  const remove = () => {
    if (fs.existsSync(root)) removeTree(root)
  }
  try {
    await runTool(['cp', '--archive', '--reflink=auto', rootfs.root, root])
    if (process.getuid?.() === 0) {
      for (const { path } of writable) fs.lchownSync(join(root, path), contract.user.uid, contract.user.gid)
    }
  } catch (error) {
    remove()
    throw error
  }
  const files = new ContainerFiles(root, new Map(), rootfs.owners)
  return { ...image, rootfs: { ...rootfs, root }, files, writable: [], rootIsWritable: true, remove }
}
