import { createHash, type Hash } from 'node:crypto'
import { type ContentSink, parseDigest } from '#core'
import type { DebEntry } from '#debian'
import type { MemberOmission } from '../member.ts'
import type { UnpackedEntry } from '../member-plan.ts'

/** What a .deb ships, gathered entry by entry while its data streams by: contents are hashed, not held. */
export class ShippedFiles {
  readonly entries: UnpackedEntry[] = []
  readonly omissions: MemberOmission[] = []
  readonly conffileSums: Record<string, string> = {}
  readonly #conffiles: ReadonlySet<string>
  #newest = 0

  /** `conffiles` are the paths whose MD5 dpkg's database will want. */
  constructor(conffiles: ReadonlySet<string>) {
    this.#conffiles = conffiles
  }

  /** The newest time of any entry so far, in seconds since the epoch. */
  get newest(): number {
    return this.#newest
  }

  /** Takes an entry whose content starts at an offset of data.tar; gives what takes its content, for a file. */
  take(header: DebEntry, offset: number): ContentSink | undefined {
    const { path } = header
    this.#newest = Math.max(this.#newest, header.mtime)
    if (path === '/') return undefined
    if (header.xattrs.size > 0) this.omissions.push({ path, rule: 'extended-attributes', size: 0 })
    const { mode, uid, gid } = header
    const entry = { path, mode, uid, gid, mtime: Math.max(0, header.mtime), size: 0 }
    switch (header.type) {
      case 'directory':
      case 'symlink':
      case 'hardlink':
        this.entries.push({
          ...entry,
          type: header.type,
          ...(header.type === 'directory' ? {} : { target: header.linkPath }),
        })
        return undefined
      default:
        return this.#sinkFor({ ...entry, type: 'file', size: header.size, spilled: offset })
    }
  }

  #sinkFor(entry: UnpackedEntry): ContentSink {
    const sha256 = createHash('sha256')
    const md5: Hash | undefined = this.#conffiles.has(entry.path) ? createHash('md5') : undefined
    return {
      write: (chunk) => {
        sha256.update(chunk)
        md5?.update(chunk)
      },
      end: () => {
        if (md5 !== undefined) this.conffileSums[entry.path] = md5.digest('hex')
        this.entries.push({ ...entry, digest: parseDigest(`sha256:${sha256.digest('hex')}`) })
      },
    }
  }
}
