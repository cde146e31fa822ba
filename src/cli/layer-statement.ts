import { createHash } from 'node:crypto'
import type { ContentSink } from '#core'
import { isDatabasePath, readPackageLists } from '#debian'
import { type ImageFile, type ImageFiles, type OpenedLayer, readLayerContent } from '#oci'
import { ApplicationScan, type FileOwner, type LayerFile, type LayerStatement } from '#sbom'
import { CONTRACT, groupInLastLayer, PACKAGE_DATABASE, packageRecords } from './file-account.ts'

/** Folders that Debian has merged into /usr; the link that says so may be in another layer. */
const MERGED = /^\/(?:bin|sbin|lib|lib32|lib64|libo32|libx32)\//

/**
 * Says of each path of a layer what it is and whose, by what the layer itself holds: lists of dpkg's, packages of
 * applications, and, where the layer is the last of an image of ours, effects and definition. Rejects as
 * `readLayerContent` does.
 */
export async function readLayerStatement(layer: OpenedLayer): Promise<LayerStatement> {
  const scan = new ApplicationScan()
  const sums = new Map<string, string>()
  const { files, removed, opaque } = await readLayerContent(layer, {
    hashes: true,
    wants: ({ path }) => isDatabasePath(path),
    take: (file) => both(sha1Of(file, sums), scan.sink(file)),
  })
  const entries = [...files.entries()].sort((left, right) => (left.path < right.path ? -1 : 1))
  const { ofPackages, names } = packageOwners(files, entries)
  const regular = entries.filter(({ type }) => type === 'file' || type === 'hardlink')
  const { applications, explained, faults } = scan.finish(
    regular.flatMap(({ path, type, target }) => {
      const contentPath = type === 'hardlink' ? target : path
      return ofPackages.has(path) || ofPackages.has(contentPath) ? [] : [{ path, contentPath, layer: layer.diffId }]
    }),
  )
  const isRecord = packageRecords(names)
  const isLast = files.get(CONTRACT) !== undefined
  const ownerOf = (file: ImageFile): FileOwner | undefined => {
    const known = ofPackages.get(file.path)
    if (known !== undefined) return known
    if (isRecord(file.path)) return { kind: PACKAGE_DATABASE.kind, name: PACKAGE_DATABASE.name }
    const by = explained.get(file.path)
    if (by !== undefined) return { kind: 'application', path: by }
    return isLast ? groupInLastLayer(file) : undefined
  }
  const described = entries.flatMap((file) => layerFile(file, { files, sums, owner: ownerOf(file) }))
  return { diffId: layer.diffId, files: described, removed, opaque, applications, faults }
}

/** Whose a path is by the lists in the layer; of a path that several have, the first by name. */
function packageOwners(files: ImageFiles, entries: readonly ImageFile[]) {
  const lists = readPackageLists({
    paths: () => entries.map(({ path }) => path),
    read: (path) => files.read(path),
  }).toSorted((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0))
  const ofPackages = new Map<string, FileOwner>()
  for (const { name, architecture, paths } of lists) {
    const owner: FileOwner = { kind: 'package', name, ...(architecture && { architecture }) }
    for (const listed of paths) {
      const merged = files.get(listed) === undefined && MERGED.test(listed) ? `/usr${listed}` : listed
      if (!ofPackages.has(merged)) ofPackages.set(merged, owner)
    }
  }
  return { ofPackages, names: lists.map(({ name }) => name) }
}

function layerFile(
  { path, type, size, target, digest }: ImageFile,
  { files, sums, owner }: { files: ImageFiles; sums: ReadonlyMap<string, string>; owner: FileOwner | undefined },
): readonly LayerFile[] {
  if (type === 'directory') return []
  const content = type === 'hardlink' ? contentOf(target, files) : path
  const sha1 = sums.get(content)
  return [
    {
      path,
      type,
      size: type === 'hardlink' ? (files.get(content)?.size ?? 0) : size,
      target,
      ...(digest && sha1 ? { checksums: { sha256: digest.slice('sha256:'.length), sha1 } } : {}),
      ...(owner && { owner }),
    },
  ]
}

/** A hard link may be of a hard link. */
function contentOf(target: string, files: ImageFiles): string {
  const seen = new Set<string>()
  let at = target
  for (let file = files.get(at); file?.type === 'hardlink' && !seen.has(at); file = files.get(at)) {
    seen.add(at)
    at = file.target
  }
  return at
}

function sha1Of({ path }: { readonly path: string }, sums: Map<string, string>): ContentSink {
  const hash = createHash('sha1')
  return {
    write: (chunk) => void hash.update(chunk),
    end: () => void sums.set(path, hash.digest('hex')),
  }
}

function both(first: ContentSink, second: ContentSink | undefined): ContentSink {
  if (second === undefined) return first
  return {
    write: (chunk) => {
      first.write(chunk)
      second.write(chunk)
    },
    end: () => {
      first.end()
      second.end()
    },
  }
}
