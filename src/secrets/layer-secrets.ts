import type { ContentSink } from '#core'
import type { FoundSecret, SecretSearch } from './search.ts'

/** What was found in the files of one layer, whether the layers above show them or not. */
export interface LayerSecrets {
  /** Files with secrets in them, by path. */
  readonly files: readonly SecretFile[]
  /** Compressed files, which were not looked into, by path. */
  readonly packed: readonly SummedFile[]
  /** MD5 sums of files as their Debian packages ship them, by path, as far as this layer says. */
  readonly sums: Readonly<Record<string, string>>
}

/** A file with its MD5, by which dpkg knows what a package ships. */
export interface SummedFile {
  readonly path: string
  readonly md5: string
}

/** A file with what was found in it. */
export interface SecretFile extends SummedFile {
  readonly secrets: readonly FoundSecret[]
}

/** Folders that Debian has merged into /usr: sums name files by either path. */
const MERGED = /^\/(?:bin|sbin|lib|lib32|lib64|libo32|libx32)\//
/** gzip, xz, zstd, bzip2, zip and 7-Zip. */
const PACKED = ['1f8b', 'fd377a585a', '28b52ffd', '425a68', '504b0304', '377abcaf271c'].map((hex) =>
  Buffer.from(hex, 'hex'),
)
const SUMS = /^\/var\/lib\/dpkg\/(?:info\/[^/]+\.md5sums|status|status\.d\/[^/]+)$/
/** Bytes of one file of sums; the largest known has one million. */
const LARGEST_SUMS = 2 ** 26

/** Looks for secrets in the files of one layer, one file after the other. */
export class LayerSearch {
  readonly #search: SecretSearch
  readonly #md5: () => { update(bytes: Uint8Array): unknown; digest(encoding: 'hex'): string }
  readonly #files: SecretFile[] = []
  readonly #packed: SummedFile[] = []
  readonly #sums = new Map<string, string>()

  /** `md5` begins a sum. */
  constructor(
    search: SecretSearch,
    md5: () => { update(bytes: Uint8Array): unknown; digest(encoding: 'hex'): string },
  ) {
    this.#search = search
    this.#md5 = md5
  }

  /** Takes the content of a file of `size` bytes. */
  sink({ path, size }: { readonly path: string; readonly size: number }): ContentSink {
    const hash = this.#md5()
    const sums: Uint8Array[] | undefined = SUMS.test(path) && size <= LARGEST_SUMS ? [] : undefined
    let isPacked = false
    let isFirst = true
    const search = this.#search.sink(path, ({ secrets }) => {
      const md5 = hash.digest('hex')
      if (secrets.length > 0) this.#files.push({ path, md5, secrets })
      if (isPacked) this.#packed.push({ path, md5 })
    })
    return {
      write: (chunk) => {
        if (isFirst) isPacked = PACKED.some((magic) => magic.equals(chunk.subarray(0, magic.length)))
        isFirst = false
        hash.update(chunk)
        sums?.push(Buffer.from(chunk))
        if (!isPacked) search.write(chunk)
      },
      end: () => {
        search.end()
        if (sums !== undefined) this.#takeSums(Buffer.concat(sums).toString('utf8'))
      },
    }
  }

  /** What was found, when the layer has ended. */
  finish(): LayerSecrets {
    const byPath = (left: SummedFile, right: SummedFile) => (left.path < right.path ? -1 : 1)
    return { files: this.#files.sort(byPath), packed: this.#packed.sort(byPath), sums: Object.fromEntries(this.#sums) }
  }

  /** `SUM  usr/bin/x` of md5sums, ` /etc/x SUM` of the field Conffiles. */
  #takeSums(text: string): void {
    for (const [, sum, shipped, configured, own] of text.matchAll(
      /^(?:([0-9a-f]{32}) [ *](\S.*)| (\/\S+) ([0-9a-f]{32})(?: \S+)?)$/gm,
    )) {
      const path = configured ?? `/${shipped?.replace(/^\.?\//, '')}`
      this.#sums.set(MERGED.test(path) ? `/usr${path}` : path, sum ?? own ?? '')
    }
  }
}
