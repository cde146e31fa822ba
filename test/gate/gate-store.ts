import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AdvisoryStore, encodeStore, importFile, makePart, openAdvisoryStore } from '#advisory'

/**
 * The day for which the excerpt of the tracker stands: that of its oldest entry that is still open in it (CVE-2025-4598).
 * The slice was written down at several times, so that an announcement of a later day may know more than it.
 */
const TRACKER_DAY = '2025-06-01T00:00:00Z'

/** A store of the excerpts beside the labels, made as an import makes it. Throws when any record of them is quarantined. */
export function openGateStore(): AdvisoryStore {
  const parts = ['export.json', 'DSA-list', 'DLA-list'].map((file) => {
    const imported = importFile(readFileSync(join(import.meta.dirname, 'testdata', file), 'utf8'), { file })
    const [broken] = imported.quarantined.first
    if (broken !== undefined) throw new Error(`cannot import ${broken.place}: ${broken.reason}`)
    const at = TRACKER_DAY
    return makePart([imported], { names: [file], digest: 'sha256:0', changedAt: at, importedAt: at })
  })
  const bytes = Buffer.concat(encodeStore(parts))
  return openAdvisoryStore({
    path: 'excerpts of the quality gate',
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
  })
}
