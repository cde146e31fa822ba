import type { Account, Group } from './effect.ts'

type AccountRow = readonly [name: string, uid: number, gid: number, comment: string, home: string]

const NOLOGIN = '/usr/sbin/nologin'

/** The accounts whose ids Debian fixes for all time (Debian Policy 9.2.2, base-passwd); root and nobody are not among them. */
export const staticAccounts: readonly Account[] = (
  [
    ['daemon', 1, 1, 'daemon', '/usr/sbin'],
    ['bin', 2, 2, 'bin', '/bin'],
    ['sys', 3, 3, 'sys', '/dev'],
    ['games', 5, 60, 'games', '/usr/games'],
    ['man', 6, 12, 'man', '/var/cache/man'],
    ['lp', 7, 7, 'lp', '/var/spool/lpd'],
    ['mail', 8, 8, 'mail', '/var/mail'],
    ['news', 9, 9, 'news', '/var/spool/news'],
    ['uucp', 10, 10, 'uucp', '/var/spool/uucp'],
    ['proxy', 13, 13, 'proxy', '/bin'],
    ['www-data', 33, 33, 'www-data', '/var/www'],
    ['backup', 34, 34, 'backup', '/var/backups'],
    ['list', 38, 38, 'Mailing List Manager', '/var/list'],
    ['irc', 39, 39, 'ircd', '/run/ircd'],
    ['_apt', 42, 65534, '', '/nonexistent'],
  ] satisfies readonly AccountRow[]
).map(([name, uid, gid, comment, home]) => ({ name, uid, gid, comment, home, shell: NOLOGIN }))

/** The groups whose ids Debian fixes for all time; root, tty, staff and nogroup, which every image has, are not among them. */
export const staticGroups: readonly Group[] = Object.entries({
  daemon: 1,
  bin: 2,
  sys: 3,
  adm: 4,
  disk: 6,
  lp: 7,
  mail: 8,
  news: 9,
  uucp: 10,
  man: 12,
  proxy: 13,
  kmem: 15,
  dialout: 20,
  fax: 21,
  voice: 22,
  cdrom: 24,
  floppy: 25,
  tape: 26,
  sudo: 27,
  audio: 29,
  dip: 30,
  'www-data': 33,
  backup: 34,
  operator: 37,
  list: 38,
  irc: 39,
  src: 40,
  shadow: 42,
  utmp: 43,
  video: 44,
  sasl: 45,
  plugdev: 46,
  games: 60,
  users: 100,
}).map(([name, gid]) => ({ name, gid, members: [] }))
