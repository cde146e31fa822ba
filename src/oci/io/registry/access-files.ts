import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { messageOf } from '#core'
import { OciError } from '../../errors.ts'
import { parseAccess, usersOnly } from '../../registry/access.ts'
import { parseHtpasswd } from '../../registry/htpasswd.ts'
import type { AccessSettings } from './access-authority.ts'

/** The files that say who is known and what they may do; at least one of the two. */
export interface AccessFiles {
  readonly access?: string
  readonly htpasswd?: string
}

/**
 * Reads them. An access file may name an htpasswd file, relative to itself; an htpasswd file alone lets its users do
 * everything and nobody else anything. Rejects with `ACCESS_INVALID`.
 */
export async function readAccess({ access, htpasswd }: AccessFiles): Promise<AccessSettings> {
  const rules = access === undefined ? usersOnly : parseAccess(await read(access), access)
  const own =
    rules.htpasswd === undefined || access === undefined ? undefined : resolve(dirname(access), rules.htpasswd)
  const path = htpasswd ?? own
  return { rules, users: path === undefined ? new Map() : parseHtpasswd(await read(path), path) }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new OciError('ACCESS_INVALID', `cannot read ${path}: ${messageOf(cause)}`, { cause })
  }
}
