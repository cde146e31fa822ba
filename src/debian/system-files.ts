import { isDatabasePath } from './dpkg-database.ts'

/** Where os-release(5) stands, the first that is there being read. */
export const RELEASE_FILES: readonly string[] = ['/etc/os-release', '/usr/lib/os-release']

/** By which the user that a config names is known as numbers (passwd(5), group(5)). */
export const ACCOUNT_FILES = { passwd: '/etc/passwd', group: '/etc/group' } as const

/** Whether a file's content says what a system is: its package database, its release, its accounts. */
export function isSystemFile(path: string): boolean {
  return (
    isDatabasePath(path) ||
    RELEASE_FILES.includes(path) ||
    path === ACCOUNT_FILES.passwd ||
    path === ACCOUNT_FILES.group
  )
}
