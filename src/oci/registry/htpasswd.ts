import { OciError } from '../errors.ts'

/** The hashes that an htpasswd file may have: bcrypt as `htpasswd -B` writes it, at most 2^14 rounds. */
const BCRYPT = /^\$2[aby]\$(?:0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}$/
const USER = /^[^\s:,]{1,255}$/

/**
 * Reads an htpasswd file: `USER:HASH` lines, empty lines and comments. Throws `ACCESS_INVALID` for a line that is none,
 * a user that stands twice, and any hash but bcrypt: the others can be tried out by the million.
 */
export function parseHtpasswd(text: string, origin: string): ReadonlyMap<string, string> {
  const users = new Map<string, string>()
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const colon = line.indexOf(':')
    const [user, hash] = [line.slice(0, Math.max(colon, 0)), line.slice(colon + 1)]
    const fault = !USER.test(user)
      ? 'want USER:HASH'
      : users.has(user)
        ? `user ${user} stands twice`
        : BCRYPT.test(hash)
          ? undefined
          : `the hash of ${user} is no bcrypt with a cost of 4 to 14; make it by htpasswd -B`
    if (fault !== undefined) throw new OciError('ACCESS_INVALID', `cannot read ${origin}:${index + 1}: ${fault}`)
    users.set(user, hash)
  }
  return users
}
