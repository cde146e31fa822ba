import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Digest, digestOf, hasSystemCode, hexOf, messageOf, parseDigest } from '#core'
import { ImageError } from '../errors.ts'

/**
 * The cache of what derived effects gave: each result under its digest, and by what it was made from the digest of the
 * result. Files appear whole or not at all, by rename; what is read is held against its digest.
 */
export class DerivedStore {
  readonly #directory: string
  readonly #uncommitted: string

  /** `directory` need not exist. `owner` tells processes apart in the names of unfinished files. */
  constructor(directory: string, owner: string) {
    this.#directory = directory
    this.#uncommitted = `.${owner}.tmp`
  }

  /** The result with this digest; `undefined` when it is not here whole. */
  read(digest: Digest): Uint8Array | undefined {
    const tar = this.#read(this.#path(digest, 'tar'))
    return tar !== undefined && digestOf(tar) === digest ? tar : undefined
  }

  /** The result that was once made from what `key` names, with its digest. */
  find(key: Digest): { readonly tar: Uint8Array; readonly digest: Digest } | undefined {
    const text = this.#read(this.#path(key, 'result'))?.toString('utf8')
    if (text === undefined || !/^sha256:[0-9a-f]{64}$/.test(text)) return undefined
    const digest = parseDigest(text)
    const tar = this.read(digest)
    return tar && { tar, digest }
  }

  /** Keeps a result; gives its digest. */
  put(key: Digest, tar: Uint8Array): Digest {
    const digest = digestOf(tar)
    this.#write(this.#path(digest, 'tar'), tar)
    this.#write(this.#path(key, 'result'), digest)
    return digest
  }

  #read(path: string): Buffer | undefined {
    try {
      return readFileSync(path)
    } catch (cause) {
      if (hasSystemCode(cause, 'ENOENT')) return undefined
      throw new ImageError('CACHE_FAILED', `cannot read ${path}: ${messageOf(cause)}`, { cause })
    }
  }

  #write(path: string, content: Uint8Array | string): void {
    try {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path + this.#uncommitted, content)
      renameSync(path + this.#uncommitted, path)
    } catch (cause) {
      throw new ImageError('CACHE_FAILED', `cannot write ${path}: ${messageOf(cause)}`, { cause })
    }
  }

  #path(key: Digest, kind: string): string {
    const hex = hexOf(key)
    return join(this.#directory, hex.slice(0, 2), `${hex}.${kind}`)
  }
}
