import { ImageError } from '../errors.ts'
import { parseCertificate } from './certificate.ts'
import type { Effect, EffectContext, EffectEntry } from './effect.ts'
import { hasPackage, textFile } from './entry.ts'

/** Where Debian's ca-certificates has the certificates that the bundle is made of. */
export const SHARED = '/usr/share/ca-certificates'
const LOCAL = '/usr/local/share/ca-certificates'
const CERTS = '/etc/ssl/certs'

/** The head of /etc/ca-certificates.conf; its text tells readers what the lines mean. */
const CONFIGURATION_HEAD = `# Certificates that update-ca-certificates(8) installs in ${CERTS}, as paths below
# ${SHARED}. A line with "!" before the path leaves that certificate out.
#
`

/** A CA certificate that the image trusts. */
export interface TrustedCertificate {
  /** Where it stands in the image. */
  readonly path: string
  readonly pem: string
  /** The name of its link in /etc/ssl/certs, as update-ca-certificates gives it. */
  readonly linkName: string
}

/**
 * The bundle that nearly every TLS library in Debian reads by default; it is complete without the `openssl` program.
 * The directory of links by subject hash serves only programs that look up one CA at a time, and update-ca-certificates
 * itself, so only images that can install packages get it.
 */
export const caBundle: Effect = {
  name: 'ca-bundle',
  summary:
    'Writes the CA bundle, certificates that the definition adds included; with dpkg also the links by subject hash.',
  apply(context) {
    const trusted = trustedCertificates(context)
    const shared = trusted.filter(({ path }) => path.startsWith(`${SHARED}/`))
    const added = trusted.filter(({ path }) => path.startsWith(`${LOCAL}/`))
    if (trusted.length === 0) return []
    const bundle = trusted.map(({ pem }) => (pem.endsWith('\n') ? pem : `${pem}\n`)).join('')
    const installs = hasPackage(context, 'dpkg')
    return [
      ...added.map(({ path, pem }) => textFile(path, pem)),
      ...(hasPackage(context, 'ca-certificates') && context.tree.get(LOCAL) === undefined && added.length === 0
        ? [{ type: 'directory', path: LOCAL, mode: 0o755, uid: 0, gid: 0 } as const]
        : []),
      ...(installs && shared.length > 0 ? [configuration(shared)] : []),
      ...(installs ? directoryLinks(trusted) : []),
      textFile(`${CERTS}/ca-certificates.crt`, bundle),
    ]
  },
}

/** The certificates of ca-certificates, then those of the definition, each in the byte order of paths. */
export function trustedCertificates(context: EffectContext): readonly TrustedCertificate[] {
  return [...(hasPackage(context, 'ca-certificates') ? sharedFiles(context) : []), ...addedFiles(context)]
}

function sharedFiles({ tree, read }: EffectContext): readonly TrustedCertificate[] {
  return certificatePaths(tree, SHARED).map((path) => {
    return { path, pem: Buffer.from(read(path)).toString('utf8'), linkName: pemName(path) }
  })
}

function certificatePaths(tree: EffectContext['tree'], directory: string): readonly string[] {
  return tree.list(directory).flatMap((name) => {
    const path = `${directory}/${name}`
    if (tree.get(path)?.type === 'directory') return certificatePaths(tree, path)
    return name.endsWith('.crt') ? [path] : []
  })
}

function addedFiles({ certificates }: EffectContext): readonly TrustedCertificate[] {
  return certificates
    .map(({ name, pem }) => {
      if (!/^[A-Za-z0-9][\w .+()-]*$/.test(name)) {
        throw new ImageError('CERTIFICATE_INVALID', `cannot add certificate "${name}": the name is no plain file name`)
      }
      parseCertificate(pem, name)
      const path = `${LOCAL}/${name.replace(/\.(crt|pem)$/, '')}.crt`
      return { path, pem, linkName: pemName(path) }
    })
    .sort((left, right) => (left.path < right.path ? -1 : 1))
}

function configuration(shared: readonly TrustedCertificate[]): EffectEntry {
  const lines = shared.map(({ path }) => `${path.slice(SHARED.length + 1)}\n`)
  return textFile('/etc/ca-certificates.conf', CONFIGURATION_HEAD + lines.join(''))
}

/** `NAME.pem` for each certificate, and `HASH.N` to it as `openssl rehash` makes them. */
function directoryLinks(trusted: readonly TrustedCertificate[]): readonly EffectEntry[] {
  const taken = new Map<string, number>()
  return trusted.flatMap(({ path, pem, linkName: name }) => {
    const { subjectHash } = parseCertificate(pem, path)
    const number = taken.get(subjectHash) ?? 0
    taken.set(subjectHash, number + 1)
    return [
      { type: 'symlink', path: `${CERTS}/${name}`, target: path } as const,
      { type: 'symlink', path: `${CERTS}/${subjectHash}.${number}`, target: name } as const,
    ]
  })
}

function pemName(path: string): string {
  const base = path.slice(path.lastIndexOf('/') + 1, -'.crt'.length)
  return `${base.replaceAll(' ', '_').replaceAll(/[()]/g, '=').replaceAll(',', '_')}.pem`
}
