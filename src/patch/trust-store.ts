import { parseCertificate } from '#image'
import type { PatchedTree } from './patched-tree.ts'

const CONFIGURATION = '/etc/ca-certificates.conf'
const SHARED = '/usr/share/ca-certificates/'
const LOCAL = '/usr/local/share/ca-certificates/'
const CERTS = '/etc/ssl/certs/'
const BUNDLE = `${CERTS}ca-certificates.crt`

/** Certificates that an image trusts from now on, and no longer, as paths below /usr/share/ca-certificates. */
export interface TrustChanges {
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/** Whether a path is a certificate that an image's bundle may be made of. */
export function isCertificatePath(path: string): boolean {
  return (path.startsWith(SHARED) || path.startsWith(LOCAL)) && path.endsWith('.crt')
}

/**
 * Does what the script of a newer ca-certificates would (update-ca-certificates(8)): certificates that are gone are switched off,
 * new ones on, links and bundle follow. `undefined` for an image without that package's configuration.
 */
export function refreshTrustStore(tree: PatchedTree, mtime: number): TrustChanges | undefined {
  const text = tree.read(CONFIGURATION)
  if (text === undefined) return undefined
  const lines = Buffer.from(text).toString('utf8').split('\n')
  const known = new Set(lines.map((line) => line.replace(/^!/, '')))
  const paths = tree.paths().filter(isCertificatePath).sort()
  const added = paths.filter((path) => path.startsWith(SHARED)).map((path) => path.slice(SHARED.length))
  const isOn = (line: string) => line !== '' && !/^[#!]/.test(line)
  const removed = lines.filter((line) => isOn(line) && tree.get(SHARED + line) === undefined)
  const fresh = added.filter((name) => !known.has(name))
  const switched = lines.map((line) => (removed.includes(line) ? `!${line}` : line))
  const written = [...switched.filter((line, at) => line !== '' || at < switched.length - 1), ...fresh, ''].join('\n')
  put(tree, CONFIGURATION, written, mtime)
  dropLinks(tree)
  for (const name of fresh) link(tree, `${SHARED}${name}`)
  const trusted = [
    ...[...switched, ...fresh]
      .filter((line) => isOn(line) && tree.get(SHARED + line) !== undefined)
      .map((line) => SHARED + line),
    ...paths.filter((path) => path.startsWith(LOCAL)),
  ]
  put(tree, BUNDLE, trusted.map((path) => pemOf(tree, path)).join(''), mtime)
  return { added: fresh, removed }
}

function put(tree: PatchedTree, path: string, text: string, mtime: number): void {
  const content = Buffer.from(text)
  if (Buffer.compare(content, tree.read(path) ?? new Uint8Array()) === 0) return
  const { mode, uid, gid } = tree.get(path) ?? { mode: 0o644, uid: 0, gid: 0 }
  tree.put({ path, type: 'file', mode, uid, gid, mtime, content })
}

/** Takes away links to certificates that are gone, and then those by subject that lead to such links. */
function dropLinks(tree: PatchedTree): void {
  for (const isStale of [
    (target: string) => target.startsWith(SHARED) && tree.get(target) === undefined,
    (target: string) => !target.includes('/') && tree.get(CERTS + target) === undefined,
  ]) {
    for (const path of tree.paths().filter((one) => one.startsWith(CERTS))) {
      const here = tree.get(path)
      if (here?.type === 'symlink' && isStale(here.target)) tree.remove(path)
    }
  }
}

/** Links a certificate by its name, and by the hash of its subject, as `openssl rehash` does. */
function link(tree: PatchedTree, certificate: string): void {
  const base = certificate.slice(certificate.lastIndexOf('/') + 1, -'.crt'.length)
  const name = `${base.replaceAll(' ', '_').replaceAll(/[()]/g, '=').replaceAll(',', '_')}.pem`
  const { subjectHash } = parseCertificate(pemOf(tree, certificate), certificate)
  let number = 0
  while (tree.get(`${CERTS}${subjectHash}.${number}`) !== undefined) number++
  const entry = { type: 'symlink', mode: 0o777, uid: 0, gid: 0, mtime: 0 } as const
  tree.put({ ...entry, path: CERTS + name, linkPath: certificate })
  tree.put({ ...entry, path: `${CERTS}${subjectHash}.${number}`, linkPath: name })
}

function pemOf(tree: PatchedTree, path: string): string {
  const pem = Buffer.from(tree.read(path) ?? '').toString('utf8')
  return pem === '' || pem.endsWith('\n') ? pem : `${pem}\n`
}
