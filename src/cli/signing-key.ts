import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import {
  isEncryptedKey,
  isServiceKey,
  keySignatory,
  openPrivateKey,
  openServiceSigner,
  type Signatory,
  type Signer,
} from '#attest'
import { messageOf } from '#core'
import { UsageError } from './errors.ts'

/** Who signs by the key that an option names. Rejects as `openSigner` does. */
export async function openSignatory(key: string): Promise<Signatory> {
  return keySignatory(await openSigner(key))
}

/** Opens the key that an option names, a file or a service's. Rejects with `USAGE_INVALID`, and as `openPrivateKey` and `openServiceSigner` do. */
export async function openSigner(key: string): Promise<Signer> {
  if (isServiceKey(key)) return openServiceSigner(key)
  const pem = await readKeyFile(key)
  const password = isEncryptedKey(pem) ? await keyPassword(`password of ${key}: `) : ''
  return openPrivateKey(pem, password, key)
}

/** Reads a file that an option names as a key. Throws `USAGE_INVALID`. */
export async function readKeyFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new UsageError('USAGE_INVALID', `cannot read the key ${path}: ${messageOf(cause)}`, { cause })
  }
}

/** The password of a key: COSIGN_PASSWORD, as cosign has it, or what is typed. Throws `USAGE_INVALID` where nobody can type. */
export async function keyPassword(question: string): Promise<string> {
  const given = process.env['COSIGN_PASSWORD']
  if (given !== undefined) return given
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new UsageError('USAGE_INVALID', 'cannot ask for the password of the key: set COSIGN_PASSWORD')
  }
  process.stderr.write(question)
  // What is typed is not shown: the line is edited on a stream that goes nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  try {
    return await reader.question('')
  } finally {
    reader.close()
    process.stderr.write('\n')
  }
}
