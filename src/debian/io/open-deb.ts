import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { DebSource } from '../deb-members.ts'

/** Opens a .deb for its readers; `name` is what messages call it. Throws what the operating system does. */
export function openDeb(path: string, name: string = path): DebSource & Disposable {
  const file = openSync(path, 'r')
  return {
    name,
    size: fstatSync(file).size,
    read: (offset, length) => {
      const bytes = Buffer.allocUnsafe(length)
      return bytes.subarray(0, readSync(file, bytes, 0, length, offset))
    },
    [Symbol.dispose]: () => closeSync(file),
  }
}
