import { isDatabasePath } from './dpkg-database.ts'

/** Where os-release(5) stands, the first that is there being read. */
export const RELEASE_FILES: readonly string[] = ['/etc/os-release', '/usr/lib/os-release']

/** By which the user that a config names is known as numbers (passwd(5), group(5)). */
export const ACCOUNT_FILES = { passwd: '/etc/passwd', group: '/etc/group' } as const

/** Bytes of a copyright file that are read; none is known that comes near. */
export const MAX_COPYRIGHT = 2 ** 23

/** Whether a file says what licences a package is under (Debian Policy, 12.5), and is no larger than such files are. */
export function isCopyrightFile({ path, size }: { readonly path: string; readonly size: number }): boolean {
  return /^\/usr\/share\/doc\/[^/]+\/copyright$/.test(path) && size <= MAX_COPYRIGHT
}

/** Whether a file's content is needed to know what an image's packages are: see `isSystemFile` and `isCopyrightFile`. */
export function isInventoryFile(file: { readonly path: string; readonly size: number }): boolean {
  return isSystemFile(file.path) || isCopyrightFile(file)
}

/** Whether a file's content says what a system is: its package database, its release, its accounts. */
export function isSystemFile(path: string): boolean {
  return (
    isDatabasePath(path) ||
    RELEASE_FILES.includes(path) ||
    path === ACCOUNT_FILES.passwd ||
    path === ACCOUNT_FILES.group
  )
}
