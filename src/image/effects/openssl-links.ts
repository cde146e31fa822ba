import type { Effect, EffectEntry } from './effect.ts'

const links: readonly (readonly [path: string, target: string])[] = [
  ['/usr/lib/ssl/cert.pem', '/etc/ssl/certs/ca-certificates.crt'],
  ['/usr/lib/ssl/certs', '/etc/ssl/certs'],
  ['/usr/lib/ssl/openssl.cnf', '/etc/ssl/openssl.cnf'],
  ['/usr/lib/ssl/private', '/etc/ssl/private'],
]

/**
 * libcrypto looks for its roots and its configuration below /usr/lib/ssl, where only the package `openssl` has the links.
 * The configuration itself is left out: Debian's sets nothing but defaults, and OpenSSL runs without one. Its link stays,
 * so that a file put at /etc/ssl/openssl.cnf is read.
 */
export const opensslLinks: Effect = {
  name: 'openssl-links',
  summary: "Writes OpenSSL's links to CA bundle, certificates and configuration where the package openssl is left out.",
  apply({ tree, packages }) {
    const hasLibrary = packages.some((installed) => installed.package.name.startsWith('libssl3'))
    if (!hasLibrary) return []
    const missing: EffectEntry[] = links
      .filter(([path]) => tree.get(path) === undefined)
      .map(([path, target]) => ({ type: 'symlink', path, target }))
    const directories = (['/etc/ssl', '/etc/ssl/certs'] as const)
      .filter((path) => tree.get(path) === undefined)
      .map((path) => ({ type: 'directory', path, mode: 0o755, uid: 0, gid: 0 }) as const)
    return [...directories, ...missing]
  },
}
