import { parseStanza } from '#debian'
import type { MemberIndex } from './member.ts'

/** What dpkg's database says of a path list: files under `info/` are named for the package, qualified when co-installable. */
export function infoName(control: string): string {
  const stanza = parseStanza(control, 'control')
  const name = stanza.get('package') ?? ''
  return stanza.get('multi-arch') === 'same' ? `${name}:${stanza.get('architecture')}` : name
}

/**
 * Writes /var/lib/dpkg/status: every package as installed, in name order, its control paragraph untouched but for the
 * two fields dpkg adds. Stock scanners read packages, versions and sources from here.
 */
export function formatStatus(members: readonly MemberIndex[]): string {
  return [...members]
    .sort((left, right) => (left.package < right.package ? -1 : 1))
    .map((member) => `${statusParagraph(member)}\n`)
    .join('\n')
}

function statusParagraph(member: MemberIndex): string {
  const lines = member.control.replace(/\n+$/, '').split('\n')
  const conffiles = conffileLines(member)
  return [
    ...lines.flatMap((line) => (/^package:/i.test(line) ? [line, 'Status: install ok installed'] : [line])),
    ...(conffiles.length > 0 ? ['Conffiles:', ...conffiles] : []),
  ].join('\n')
}

/** ` /etc/x MD5` for each conffile, as dpkg records what it installed; the sums come from the package itself. */
function conffileLines(member: MemberIndex): string[] {
  const sums = member.conffileSums
  return Object.keys(sums)
    .sort()
    .map((path) => ` ${path} ${sums[path]}`)
}

/** A file of dpkg's database that a member carries for its package. */
export interface DatabaseFile {
  readonly path: string
  readonly mode: number
  readonly content: Uint8Array
}

/** Where dpkg keeps what it knows of each package. */
export const DATABASE = '/var/lib/dpkg/info'
const SCRIPTS = ['preinst', 'postinst', 'prerm', 'postrm', 'config']

/**
 * The files under /var/lib/dpkg/info that describe one package: its control files untouched, but `md5sums` without the
 * files that path rules left out, and `list` with the paths that the member really has, as the .deb names them.
 */
export function databaseFiles(
  control: string,
  files: ReadonlyMap<string, Uint8Array>,
  shipped: readonly { readonly path: string }[],
): DatabaseFile[] {
  const name = infoName(control)
  const own = new Set(shipped.map((entry) => entry.path))
  const list = ['/.', ...shipped.map((entry) => entry.path).filter((path) => path !== '/')]
  const described: DatabaseFile[] = [databaseFile(name, 'list', Buffer.from(`${list.join('\n')}\n`))]
  for (const [file, content] of files) {
    if (file === 'control') continue
    described.push(databaseFile(name, file, file === 'md5sums' ? keptSums(content, own) : content))
  }
  return described
}

/** The directories above the database's files, which dpkg makes and no package needs to ship. */
export const databaseDirectories: readonly string[] = ['/var', '/var/lib', '/var/lib/dpkg', DATABASE]

function databaseFile(name: string, file: string, content: Uint8Array): DatabaseFile {
  return { path: `${DATABASE}/${name}.${file}`, mode: SCRIPTS.includes(file) ? 0o755 : 0o644, content }
}

function keptSums(sums: Uint8Array, own: ReadonlySet<string>): Uint8Array {
  const lines = Buffer.from(sums)
    .toString()
    .split('\n')
    .filter((line) => own.has(`/${line.slice(SUM_LENGTH)}`))
  return Buffer.from(lines.length === 0 ? '' : `${lines.join('\n')}\n`)
}

/** An MD5 in hex and two spaces. */
const SUM_LENGTH = 34
