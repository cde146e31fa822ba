import { X509Certificate } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { hasSystemCode, messageOf } from '#core'
import { OciError } from '../errors.ts'

/** Where the certificates of a registry's authorities may lie; the first of these that has a folder for it is taken. */
const FOLDERS = ['/etc/containers/certs.d', '/etc/docker/certs.d']

/**
 * Gives the certificates, PEM, of the authorities that this user or machine trusts for a registry: every `*.crt` of
 * `certs.d/HOST[:PORT]` below `~/.config/containers`, `/etc/containers` or `/etc/docker` (containers-certs.d(5)). Rejects
 * with `AUTHORITY_INVALID` for files that cannot be used: going on without would hide the fault.
 */
export async function findAuthorities(registry: string): Promise<readonly string[]> {
  const own = join(process.env['HOME'] || homedir(), '.config/containers/certs.d')
  for (const parent of [own, ...FOLDERS]) {
    const folder = join(parent, registry)
    const names = await readdir(folder).catch((cause: unknown) => {
      if (hasSystemCode(cause, 'ENOENT', 'ENOTDIR')) return undefined
      throw invalid(folder, messageOf(cause), cause)
    })
    if (names === undefined) continue
    const files = names.filter((name) => name.endsWith('.crt')).sort()
    return (await Promise.all(files.map((name) => readAuthorities(join(folder, name))))).flat()
  }
  return []
}

/** Reads a file of certificates, PEM. Rejects with `AUTHORITY_INVALID` for one that has none, or none that can be read. */
export async function readAuthorities(path: string): Promise<readonly string[]> {
  const text = await readFile(path, 'latin1').catch((cause: unknown) => {
    throw invalid(path, messageOf(cause), cause)
  })
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (certificates.length === 0) throw invalid(path, 'there is no certificate in PEM in it')
  for (const certificate of certificates) {
    try {
      new X509Certificate(certificate)
    } catch (cause) {
      throw invalid(path, `a certificate in it cannot be read: ${messageOf(cause)}`, cause)
    }
  }
  return certificates
}

function invalid(path: string, reason: string, cause?: unknown): OciError {
  return new OciError('AUTHORITY_INVALID', `cannot take certificate authorities from ${path}: ${reason}`, { cause })
}
