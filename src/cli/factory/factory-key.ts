import { existsSync } from 'node:fs'
import { mkdir, open, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPair } from '#attest'

/** Where a factory's own key is, and what others verify by. */
export interface FactoryKey {
  readonly privateKey: string
  readonly publicKey: string
  /** Whether it was made now. */
  readonly isNew: boolean
}

/**
 * The key that a factory made for itself, below its state; made where there is none, encrypted as cosign's keys are by COSIGN_PASSWORD or
 * the empty password, and for nobody else to read. The public half is written first: a private key is never without it.
 */
export async function factoryKey(folder: string): Promise<FactoryKey> {
  const [privateKey, publicKey] = [join(folder, 'casemate.key'), join(folder, 'casemate.pub')]
  process.env['COSIGN_PASSWORD'] ??= ''
  if (existsSync(privateKey)) return { privateKey, publicKey, isNew: false }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const pair = generateKeyPair(process.env['COSIGN_PASSWORD'], 'ecdsa-p256-sha256')
  await writeFile(publicKey, pair.publicPem, { mode: 0o644 })
  const unfinished = `${privateKey}.partial`
  const file = await open(unfinished, 'w', 0o600)
  try {
    await file.writeFile(pair.privatePem)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(unfinished, privateKey)
  return { privateKey, publicKey, isNew: true }
}
