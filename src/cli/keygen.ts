import { open } from 'node:fs/promises'
import { generateKeyPair } from '#attest'
import { hasSystemCode, messageOf } from '#core'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { keyPassword } from './signing-key.ts'
import type { Terminal } from './terminal.ts'

/** The options of `casemate keygen`, as the command line gives them. */
export interface KeygenOptions {
  readonly type: 'ecdsa-p256' | 'ed25519'
}

/** Makes a key pair as two new files, `PREFIX.key` and `PREFIX.pub`. Throws `USAGE_INVALID`, also where one of them is there already. */
export async function runKeygen(prefix: string, options: KeygenOptions, terminal: Terminal): Promise<ExitStatus> {
  const algorithm = options.type === 'ed25519' ? 'ed25519' : 'ecdsa-p256-sha256'
  const pair = generateKeyPair(await keyPassword('password for the new key: '), algorithm)
  await writeNew(`${prefix}.key`, pair.privatePem, 0o600)
  await writeNew(`${prefix}.pub`, pair.publicPem, 0o644)
  terminal.print(`private key ${prefix}.key, encrypted; keep it where only who signs can read it`)
  terminal.print(`public key  ${prefix}.pub; give it to everybody who verifies`)
  return exitStatus.done
}

/** A key is never written over another one. */
async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    const file = await open(path, 'wx', mode)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (cause) {
    const reason = hasSystemCode(cause, 'EEXIST')
      ? 'it is there already, and a key is never written over'
      : messageOf(cause)
    throw new UsageError('USAGE_INVALID', `cannot write ${path}: ${reason}`, { cause })
  }
}
