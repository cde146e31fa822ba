import { exportStore, importStore, type PartState } from '#advisory'
import { parsePublicKey } from '#attest'
import { defaultCacheFolder } from '#debian'
import { jsonOf, printParts } from './advisories.ts'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { openSigner, readKeyFile } from './signing-key.ts'
import type { Terminal } from './terminal.ts'

/** Who vouches for an export: a key, or, said aloud, nobody. */
export interface ExportTrust {
  readonly key?: string
  readonly insecureUnsigned?: boolean
  readonly acceptOlder?: boolean
  readonly json?: boolean
}

/** Writes all parts of the store as one signed file, and prints them. */
export async function runAdvisoriesExport(file: string, trust: ExportTrust, terminal: Terminal): Promise<ExitStatus> {
  const signer = isUnsigned(trust, 'sign') ? undefined : await openSigner(trust.key ?? '')
  terminal.progress(`writing ${file} …`)
  const parts = await exportStore(defaultCacheFolder(), file, signer)
  if (signer === undefined) terminal.warn(`${file} is NOT SIGNED: whoever hands it on can change it`)
  return printed(parts, trust, terminal)
}

/** Takes in one signed file, after its signature was found right, and prints its parts. */
export async function runExportImport(file: string, trust: ExportTrust, terminal: Terminal): Promise<ExitStatus> {
  const path = trust.key ?? ''
  const key = isUnsigned(trust, 'verify') ? undefined : parsePublicKey(await readKeyFile(path), path)
  if (key === undefined)
    terminal.warn(`NOBODY VOUCHES for ${file}: its signature is not looked at (--insecure-unsigned)`)
  terminal.progress(`reading ${file} …`)
  const parts = await importStore(defaultCacheFolder(), file, { key, acceptOlder: trust.acceptOlder === true })
  return printed(parts, trust, terminal)
}

/** Whether nobody shall vouch for it, said aloud. Throws `USAGE_INVALID` where it is not said who shall. */
function isUnsigned({ key, insecureUnsigned = false }: ExportTrust, use: 'sign' | 'verify'): boolean {
  if (key !== undefined && insecureUnsigned)
    throw new UsageError('USAGE_INVALID', 'cannot use --key with --insecure-unsigned')
  if (key !== undefined || insecureUnsigned) return insecureUnsigned
  const which = use === 'sign' ? 'private key to sign with' : "signer's public key"
  const reason = `want --key FILE, the ${which}; --insecure-unsigned goes without, and nothing is protected then`
  throw new UsageError(
    'USAGE_INVALID',
    `cannot ${use === 'sign' ? 'export' : 'import an export of'} advisories: ${reason}`,
  )
}

function printed(parts: readonly PartState[], { json }: ExportTrust, terminal: Terminal): ExitStatus {
  const now = Date.now()
  terminal.progress('')
  if (json === true) terminal.print(JSON.stringify({ parts: parts.map((part) => jsonOf(part, now)) }, null, 2))
  else printParts(parts, now, terminal)
  return exitStatus.done
}
