import { type DecoderFactory, type InstalledPackage, openDeb, readDebControl, readDebData, type Stanza } from '#debian'
import { PatchError } from '../errors.ts'
import type { NewerPackage, PackageEntry } from '../newer-package.ts'

/** A downloaded package, and the older one whose place it takes. */
export interface DownloadedPackage {
  readonly installed: InstalledPackage
  readonly status: Stanza
  /** Where the .deb lies, checked. */
  readonly path: string
}

/** Bytes of files that the newer packages of one image may have together. */
const MAX_BYTES = 2 ** 30

/**
 * Takes packages apart, their files in memory. Throws `PATCH_LIMIT` for more than a GiB of them, and as `readDebControl` and
 * `readDebData` do.
 */
export function readNewerPackages(
  packages: readonly DownloadedPackage[],
  decoders: DecoderFactory,
): readonly NewerPackage[] {
  let room = MAX_BYTES
  return packages.map(({ installed, status, path }): NewerPackage => {
    using source = openDeb(path, installed.name)
    const { package: own, files, data } = readDebControl(source, decoders)
    const entries: PackageEntry[] = []
    readDebData(source, data, {
      decoders,
      onEntry: (entry) => {
        room -= entry.size
        if (room < 0) {
          const reason = `with it the newer packages have over ${MAX_BYTES} bytes of files; patch fewer of them (--only)`
          throw new PatchError('PATCH_LIMIT', `cannot take ${installed.name} ${own.version} apart: ${reason}`)
        }
        if (entry.type !== 'file') {
          entries.push(entry)
          return undefined
        }
        const content = Buffer.allocUnsafeSlow(entry.size)
        entries.push({ ...entry, content })
        let filled = 0
        return {
          write: (chunk) => {
            content.set(chunk, filled)
            filled += chunk.length
          },
          end: () => undefined,
        }
      },
    })
    const control = Buffer.from(files.get('control') ?? '').toString('utf8')
    return { installed, status, package: own, control, files, entries }
  })
}
