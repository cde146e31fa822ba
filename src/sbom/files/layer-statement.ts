import { canonicalJson, type Digest, hexOf } from '#core'
import type { FileOwner, Inventory } from '../inventory.ts'

/** What a layer says by itself of its files: the same for every image that has the layer. */
export interface LayerStatement {
  /** The layer's diff ID. */
  readonly diffId: Digest
  /** All that is no directory, by path; each path once. */
  readonly files: readonly LayerFile[]
  /** Paths that the layer removes from those below it, sorted. */
  readonly removed: readonly string[]
  /** Folders whose content in layers below it hides, sorted. */
  readonly opaque: readonly string[]
  /** By purl, then path. */
  readonly applications: Inventory['applications']
  /** What in it could not be read, a line each. */
  readonly faults: readonly string[]
}

/** A path in a layer that is no directory. */
export interface LayerFile {
  readonly path: string
  readonly type: 'file' | 'hardlink' | 'symlink' | 'character-device' | 'block-device' | 'fifo'
  /** Bytes of a file's content, whatever name it has. */
  readonly size: number
  /** Of a symbolic link as written, of a hard link as an absolute path; empty otherwise. */
  readonly target: string
  /** Absent where it is no file, and for another name of a file that this layer does not have. */
  readonly checksums?: FileChecksums
  /** Absent where the layer alone does not tell. */
  readonly owner?: FileOwner
}

/** Of a file's content, in lowercase hex digits. SPDX asks for SHA-1 (SPDX 2.3, clause 8.4). */
export interface FileChecksums {
  readonly sha256: string
  readonly sha1: string
}

/** The name of a statement's file: a digest is no file's name everywhere. */
export function layerStatementFile(diffId: Digest): string {
  return `sha256-${hexOf(diffId)}.json`
}

/** Writes a statement as `casemate.layer-files/v1`; the same layer gives the same bytes. An owner that is not known is null. */
export function formatLayerStatement({ files, applications, ...rest }: LayerStatement): string {
  const document = {
    schema: 'casemate.layer-files/v1',
    ...rest,
    files: files.map(({ path, type, size, target, checksums, owner }) => ({
      path,
      type,
      ...(type === 'file' || type === 'hardlink' ? { size } : {}),
      ...(target === '' ? {} : { target }),
      ...checksums,
      owner: owner === undefined ? null : { ...owner },
    })),
    applications: applications.map(({ ecosystem, name, version, purl, path }) => ({
      ecosystem,
      name,
      version,
      purl,
      path,
    })),
  }
  return `${JSON.stringify(JSON.parse(canonicalJson(document)), null, 1)}\n`
}
