import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import type { PublicKey, Signer } from '#attest'
import { messageOf } from '#core'
import { AdvisoryError } from '../errors.ts'
import type { PartState } from '../part.ts'
import type { StoreFile } from '../section.ts'
import { checkSection } from '../section.ts'
import { ENVELOPE_LIMIT, exportInvalid, formatEnvelope, isExport, verifyEnvelope } from '../signed-export.ts'
import { encodeStore, readDirectory } from '../store-format.ts'
import { openFile, storeCopies, storePath } from './store-folder.ts'
import { writeAside } from './write-aside.ts'

/**
 * Writes all parts of the store below a cache folder as one file: an envelope that names size and digest of what follows,
 * signed with a private key or by nobody, and the store itself. The same parts give the same bytes behind the envelope.
 * The file appears whole or not at all. Rejects with `ADVISORY_STORE_MISSING`, `ADVISORY_STORE_INVALID` and
 * `ADVISORY_EXPORT_FAILED`.
 */
export async function exportStore(
  cacheFolder: string,
  path: string,
  signer: Signer | undefined,
): Promise<readonly PartState[]> {
  const file = openFile(storePath(cacheFolder))
  if (file === undefined) {
    throw new AdvisoryError('ADVISORY_STORE_MISSING', 'cannot export advisories: there are none yet')
  }
  try {
    const parts = readDirectory(file)
    for (const { place } of parts) checkSection(file, place)
    // In the order of kinds, whatever imports came first.
    const pieces = encodeStore([], [{ file, parts }])
    const hash = createHash('sha256')
    for (const piece of pieces) hash.update(piece)
    const size = pieces.reduce((sum, piece) => sum + piece.length, 0)
    const envelope = await formatEnvelope({ size, digest: `sha256:${hash.digest('hex')}` }, signer)
    await writeWhole(path, [Buffer.from(envelope), ...pieces])
    return parts.map(({ state }) => state)
  } finally {
    file.close()
  }
}

/** How an export is taken in. */
export interface ImportExportOptions {
  /** The signer's public key; `undefined` takes whatever nobody vouches for. */
  readonly key: PublicKey | undefined
  /** Takes parts that are older than those in the store, too. */
  readonly acceptOlder?: boolean
}

/** Tells whether a file is an export of advisories, by its first bytes. Throws `ADVISORIES_UNREADABLE`. */
export function isExportFile(path: string): boolean {
  try {
    const descriptor = openSync(path, 'r')
    try {
      const start = Buffer.alloc(16)
      return isExport(start.subarray(0, readSync(descriptor, start)))
    } finally {
      closeSync(descriptor)
    }
  } catch (cause) {
    if (messageOf(cause).startsWith('EISDIR')) return false
    throw new AdvisoryError('ADVISORIES_UNREADABLE', `cannot read ${path}: ${messageOf(cause)}`, { cause })
  }
}

/**
 * Takes the parts of an export in, each in place of the part of its kind, after signature, digest and every sum in it were
 * found right. Rejects with `ADVISORY_EXPORT_INVALID`, `ADVISORY_EXPORT_UNTRUSTED`, with `ADVISORY_EXPORT_OLDER` when a
 * part of it is older than the one in the store, and as `storeParts` does; the store is then as it was.
 */
export async function importStore(
  cacheFolder: string,
  path: string,
  { key, acceptOlder = false }: ImportExportOptions,
): Promise<readonly PartState[]> {
  const file = openFile(path)
  if (file === undefined) throw exportInvalid(path, 'there is no such file')
  try {
    const head = Buffer.from(file.read(0, ENVELOPE_LIMIT))
    const end = head.indexOf(10) + 1
    if (end === 0) throw exportInvalid(path, 'its first line is no envelope as Casemate writes it')
    const want = verifyEnvelope(head.toString('utf8', 0, end), key, path)
    const store: StoreFile = {
      path,
      size: file.size - end,
      read: (offset, length) => file.read(end + offset, length),
    }
    if (store.size !== want.size) throw exportInvalid(path, `want ${want.size} bytes of data, it has ${store.size}`)
    const digest = digestOf(store)
    if (digest !== want.digest) throw exportInvalid(path, `want data of ${want.digest}, got ${digest}`)
    const parts = readDirectory(store)
    for (const { place } of parts) checkSection(store, place)
    if (!acceptOlder)
      refuseOlder(
        cacheFolder,
        parts.map(({ state }) => state),
        path,
      )
    await storeCopies(cacheFolder, { file: store, parts })
    return parts.map(({ state }) => state)
  } finally {
    file.close()
  }
}

/** An old export with a right signature must not hide what is known since. */
function refuseOlder(cacheFolder: string, parts: readonly PartState[], path: string): void {
  const file = openFile(storePath(cacheFolder))
  try {
    for (const { state } of file === undefined ? [] : readDirectory(file)) {
      const next = parts.find(({ kind }) => kind === state.kind)
      if (next === undefined || Date.parse(next.contentDate) >= Date.parse(state.contentDate)) continue
      const reason = `its ${state.kind} is of ${next.contentDate}, the store has one of ${state.contentDate}; --accept-older takes it`
      throw new AdvisoryError('ADVISORY_EXPORT_OLDER', `cannot import ${path}: ${reason}`)
    }
  } finally {
    file?.close()
  }
}

function digestOf(file: StoreFile): string {
  const hash = createHash('sha256')
  for (let at = 0; at < file.size; at += READ) hash.update(file.read(at, Math.min(READ, file.size - at)))
  return `sha256:${hash.digest('hex')}`
}

const READ = 4 << 20

async function writeWhole(path: string, pieces: readonly Uint8Array[]): Promise<void> {
  try {
    await writeAside(path, async (handle) => {
      for (const piece of pieces) await handle.appendFile(piece)
    })
  } catch (cause) {
    const reason = messageOf(cause)
    throw new AdvisoryError('ADVISORY_EXPORT_FAILED', `cannot write export ${path}: ${reason}`, { cause })
  }
}
