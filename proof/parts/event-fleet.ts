import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BUILT_IN_ARCHIVES } from '#debian'

/** The name of the archive that the fleet is built from. */
export const ARCHIVE = 'debian-13-staged'
const ALONE = 'the proof is about the runtime variant'
const PLATFORMS = 'platforms: [linux/amd64]\n'

/** Five catalogue images, each by its name here, with the variants that are left out. */
const BASES: Readonly<Record<string, readonly string[]>> = {
  python: ['dev', 'debug'],
  nginx: ['dev', 'debug', 'compat'],
  redis: ['dev', 'debug'],
  postgres: ['debug', 'compat'],
  busybox: [],
}

/** Twenty overlays: what each stacks on, and what it adds to that or takes away. */
const OVERLAYS: Readonly<Record<string, readonly [from: string, lines: string]>> = {
  shop: ['python', file('/app/shop.py', "print('open')")],
  'shop-eu': ['shop', file('/etc/shop.conf', 'currency = EUR')],
  reports: ['python', 'packages: [libpq5]\n'],
  crypto: ['python', 'packages: [libsodium23]\n'],
  parser: ['python', 'packages: [libyaml-0-2]\n'],
  site: ['nginx', file('/usr/share/nginx/html/hello.html', 'hello')],
  'site-eu': ['site', file('/usr/share/nginx/html/privacy.html', 'nothing is kept')],
  docs: ['nginx', file('/usr/share/nginx/html/docs.html', 'documents')],
  downloads: ['nginx', 'packages: [libsodium23]\n'],
  sessions: ['redis', file('/etc/sessions.txt', 'sessions')],
  queue: ['redis', 'packages: [libyaml-0-2]\n'],
  orders: ['postgres', file('/docker-entrypoint-initdb.d/orders.sql', 'create table orders (number int);')],
  'orders-eu': ['orders', file('/docker-entrypoint-initdb.d/taxes.sql', 'create table taxes (rate numeric);')],
  vectors: ['postgres', 'packages: [postgresql-17-pgvector]\n'],
  probe: ['busybox', file('/etc/probe.conf', 'every = 5s')],
  // Nothing of the security suite is in it: what stacks on it is concerned only by what it adds itself.
  lean: ['busybox', `remove: { ca-certificates: speaks to nobody }\n${leanTests()}`],
  'lean-init': ['lean', 'packages: [tini]\n'],
  'lean-notes': ['lean', file('/etc/notes.txt', 'notes')],
  'lean-notes-eu': ['lean-notes', file('/etc/notes-eu.txt', 'more notes')],
  'lean-json': ['lean', 'packages: [jq]\n'],
}

/** Names of the images of the fleet: catalogue images first. */
export const FLEET = { bases: Object.keys(BASES), overlays: Object.keys(OVERLAYS) }

/** The tag that every image has. */
export const TAG = 'stable'

/**
 * Writes the fleet's definitions, all into one folder, and the archive that they are built from: Debian 13 as it ships, but that its
 * security suite may be signed by one more key, which is named. Gives the references to the definitions, from where `folder` is.
 */
export function layFleet(
  folder: string,
  key: { readonly armored: string; readonly fingerprint: string },
): readonly string[] {
  mkdirSync(join(folder, 'fleet/archives'), { recursive: true })
  cpSync(join(BUILT_IN_ARCHIVES, 'keys'), join(folder, 'fleet/archives/keys'), { recursive: true })
  writeFileSync(join(folder, 'fleet/archives/keys/staged.asc'), key.armored)
  writeFileSync(join(folder, `fleet/archives/${ARCHIVE}.yaml`), archiveText(key.fingerprint))
  for (const [name, variants] of Object.entries(BASES)) {
    const without = variants.map((variant) => `${variant}: ${ALONE}`).join(', ')
    const lines = `extends: ${name}\narchive: ${ARCHIVE}\nwithout-variants: { ${without} }\n`
    write(folder, name, lines)
  }
  for (const [name, [from, lines]] of Object.entries(OVERLAYS)) write(folder, name, `from: ./${from}.yaml\n${lines}`)
  return [...FLEET.bases, ...FLEET.overlays].map((name) => `./fleet/${name}.yaml`)
}

function write(folder: string, name: string, lines: string): void {
  writeFileSync(join(folder, `fleet/${name}.yaml`), `image: ${name}\n${lines}${PLATFORMS}tags: [${TAG}]\n`)
}

function file(path: string, line: string): string {
  return `paths: [{ path: ${path}, content: ${JSON.stringify(`${line}\n`)} }]\n`
}

/** The catalogue's own test wants certificates. */
function leanTests(): string {
  const files = '[{ path: /etc/passwd, contains: ":65532:65532:" }, { path: /usr/share/ca-certificates, absent: true }]'
  return `tests: [{ name: has what static programs look up, files: ${files} }]\n`
}

/** The archive that ships with one key more. How old the suite is when this is run is not what is shown, so nothing is loud. */
function archiveText(fingerprint: string): string {
  const text = readFileSync(join(BUILT_IN_ARCHIVES, 'debian-13.yaml'), 'utf8')
  const changed = text
    .replace('archive: debian-13\n', `archive: ${ARCHIVE}\n`)
    .replace(/^keys:\n/m, `keys:\n  staged: { file: keys/staged.asc, fingerprint: ${fingerprint} }\n`)
    .replace(
      'signed-by: [bookworm-security, trixie-security]',
      'signed-by: [bookworm-security, trixie-security, staged]',
    )
    .replace(/^ +loud-after-hours: .*\n/m, '')
  if (!/trixie-security, staged\]/.test(changed)) throw new Error('cannot add a key to debian-13.yaml')
  return changed
}
