import assert from 'node:assert/strict'
import { type AdvisoryKind, type AdvisoryStore, encodeStore, importFile, makePart, openAdvisoryStore } from '#advisory'

/** A store as an import makes it, of files by name; those of one kind make one part. */
export function sampleStore(files: Readonly<Record<string, string | object>>): AdvisoryStore {
  const at = '2026-11-21T12:00:00Z'
  const imported = Object.entries(files).map(([file, content]) => {
    const read = importFile(typeof content === 'string' ? content : JSON.stringify(content), { file })
    assert.equal(read.quarantined.count, 0, JSON.stringify(read.quarantined))
    return { file, read, kind: read.kind satisfies AdvisoryKind }
  })
  const parts = [...Map.groupBy(imported, ({ kind }) => kind).values()].map((group) =>
    makePart(
      group.map(({ read }) => read),
      { names: group.map(({ file }) => file), digest: 'sha256:0', changedAt: at, importedAt: at },
    ),
  )
  const bytes = Buffer.concat(encodeStore(parts))
  const read = (offset: number, length: number) => bytes.subarray(offset, offset + length)
  return openAdvisoryStore({ path: 'store', size: bytes.length, read })
}

/** An OSV document about one package. */
export function osvDocument(id: string, affected: object, more: object = {}): object {
  const at = '2026-11-01T00:00:00Z'
  return { schema_version: '1.6.7', id, modified: at, summary: `about ${id}`, affected: [affected], ...more }
}
