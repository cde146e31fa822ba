import { SandboxError } from './errors.ts'

/** Who a program runs as, in numbers, with what /etc/passwd says of the account where it has it. */
export interface Account {
  readonly uid: number
  readonly gid: number
  readonly name?: string
  readonly home?: string
}

/**
 * Resolves the `User` of an image configuration (image-spec, config.md: `user`, `uid`, `user:group`, `uid:gid`,
 * `uid:group`, `user:gid`) by the image's own /etc/passwd and /etc/group. Empty is root. A number need not have an
 * account; its group is then 0. Supplementary groups are not looked at. Throws `IMAGE_USER_UNKNOWN`.
 */
export function resolveAccount(user: string, files: { passwd: string; group: string }): Account {
  const [who = '', group] = (user || '0').split(':')
  const accounts = rows(files.passwd)
  const row = accounts.find(([name, , uid]) => (isNumber(who) ? uid === who : name === who))
  if (!row && !isNumber(who)) throw unknown(user, `/etc/passwd has no account "${who}"`)
  const uid = Number(row?.[2] ?? who)
  const gid = group === undefined ? Number(row?.[3] ?? 0) : groupId(group, user, files.group)
  for (const id of [uid, gid]) {
    if (!Number.isInteger(id) || id < 0 || id >= 2 ** 32 - 1) throw unknown(user, `${id} is no id`)
  }
  const [name, home] = [row?.[0], row?.[5]]
  return { uid, gid, ...(name && { name }), ...(home && { home }) }
}

function groupId(group: string, user: string, text: string): number {
  if (isNumber(group)) return Number(group)
  const row = rows(text).find(([name]) => name === group)
  if (!row) throw unknown(user, `/etc/group has no group "${group}"`)
  return Number(row[2])
}

function rows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(':'))
}

function isNumber(text: string): boolean {
  return /^[0-9]+$/.test(text)
}

function unknown(user: string, reason: string): SandboxError {
  return new SandboxError('IMAGE_USER_UNKNOWN', `cannot run as user "${user}": ${reason}`)
}
