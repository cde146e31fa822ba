import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Digest, digestOf, hasSystemCode, hexOf, messageOf } from '#core'
import { expandBlock } from '../codec.ts'
import { ImageError } from '../errors.ts'
import {
  formatMemberIndex,
  type LayerCodec,
  type MemberBlock,
  type MemberEntry,
  type MemberIndex,
  parseMemberIndex,
} from '../member.ts'
import { type MemberFacts, parseMemberFacts } from '../member-facts.ts'
import { readBytes } from './file-bytes.ts'

/**
 * The cache of members: per recipe a compressed stream and its index. Files appear whole or not at all, by rename, so
 * any number of processes may share it. Nothing in it is trusted: an index carries its own checksum, a stream is checked
 * against the index when it is read into a layer, and what is damaged is made anew.
 */
export class MemberStore {
  readonly #directory: string
  readonly #uncommitted: string
  readonly #known = new Map<Digest, MemberIndex>()
  readonly #making = new Map<Digest, Promise<MemberIndex>>()
  #expanded: { readonly name: string; readonly bytes: Uint8Array } | undefined

  /** Who reads in members what an inventory wants; nobody unless given. */
  readonly reader: string | undefined

  /** `directory` need not exist. `owner` tells processes apart in the names of unfinished files. */
  constructor(directory: string, owner: string, reader?: string) {
    this.#directory = directory
    this.reader = reader
    this.#uncommitted = `.${owner}.tmp`
  }

  /** Where the compressed stream of a member stands. */
  streamPath(key: Digest): string {
    return this.#path(key, 'layer')
  }

  /** Runs `make` for a member, or gives what it is about to give where it runs already. */
  once(key: Digest, make: () => Promise<MemberIndex>): Promise<MemberIndex> {
    const running = this.#making.get(key)
    if (running !== undefined) return running
    const made = make().finally(() => this.#making.delete(key))
    this.#making.set(key, made)
    return made
  }

  /** The index of a member that is here whole; `undefined` when it has to be made. One that was read is not read again. */
  find(key: Digest): MemberIndex | undefined {
    const known = this.#known.get(key)
    if (known !== undefined && this.#isWhole(known)) return known
    const index = this.#read(key)
    if (index === undefined) return undefined
    this.#known.set(key, index)
    return index
  }

  #isWhole(index: MemberIndex): boolean {
    return statSync(this.streamPath(index.key), { throwIfNoEntry: false })?.size === index.size
  }

  #read(key: Digest): MemberIndex | undefined {
    const body = this.#readSummed(key, 'json')
    const index = body === undefined ? undefined : parseMemberIndex(body, key)
    return index !== undefined && this.#isWhole(index) ? index : undefined
  }

  /** What stands behind its sum in a file; `undefined` where there is none, or it is damaged. */
  #readSummed(key: Digest, kind: string): string | undefined {
    let text: string
    try {
      text = readFileSync(this.#path(key, kind), 'utf8')
    } catch (error) {
      if (hasSystemCode(error, 'ENOENT')) return undefined
      throw new ImageError('CACHE_FAILED', `cannot read member ${key}: ${messageOf(error)}`, { cause: error })
    }
    const body = text.slice(text.indexOf('\n') + 1)
    return text.slice(0, text.indexOf('\n')) === digestOf(body) ? body : undefined
  }

  /** Opens an unfinished stream for a member; `commit` gives it its name. */
  create(key: Digest): { path: string; commit(index: MemberIndex, facts?: MemberFacts): void; abandon(): void } {
    const target = this.streamPath(key)
    mkdirSync(dirname(target), { recursive: true })
    const path = target + this.#uncommitted
    return {
      path,
      commit: (index, facts) => {
        if (facts !== undefined) this.#write(key, 'facts', JSON.stringify(facts))
        renameSync(path, target)
        this.#write(key, 'json', formatMemberIndex(index))
      },
      abandon: () => rmSync(path, { force: true }),
    }
  }

  /** Writes a document behind its sum; it is seen whole or not at all. */
  #write(key: Digest, kind: string, body: string): void {
    const target = this.#path(key, kind)
    writeFileSync(target + this.#uncommitted, `${digestOf(body)}\n${body}`)
    renameSync(target + this.#uncommitted, target)
  }

  /** What was read in a member when it was made, by the reader of now; `undefined` where nothing is kept. */
  factsOf({ key }: MemberIndex): MemberFacts | undefined {
    const text = this.reader === undefined ? undefined : this.#readSummed(key, 'facts')
    return text === undefined ? undefined : parseMemberFacts(text, this.reader ?? '')
  }

  /** Takes a damaged member away, so that it is made anew. */
  discard(key: Digest): void {
    this.#known.delete(key)
    for (const kind of ['json', 'facts']) rmSync(this.#path(key, kind), { force: true })
    rmSync(this.streamPath(key), { force: true })
  }

  /** The content of a file in a member. Throws `CACHE_DAMAGED` when it is not what the index says. */
  readFile(index: MemberIndex, entry: MemberEntry, codec: LayerCodec): Uint8Array {
    const { offset } = entry
    if (offset === undefined || entry.digest === undefined) {
      throw new ImageError(
        'CACHE_DAMAGED',
        `cannot read ${entry.path} of ${index.package}: its member holds no content for it`,
      )
    }
    const end = offset + entry.size
    const parts = index.blocks
      .filter(
        (block, number) => block.tarOffset < end && (index.blocks[number + 1]?.tarOffset ?? index.tarSize) > offset,
      )
      .map((block) => {
        const bytes = this.#expand(index, block, codec)
        return bytes.subarray(Math.max(0, offset - block.tarOffset), Math.max(0, end - block.tarOffset))
      })
    const content = Buffer.concat(parts)
    if (digestOf(content) !== entry.digest) throw this.#damaged(index)
    return content
  }

  /** Effects read many small files of one package, which mostly stand in one block: the last one is kept. */
  #expand(index: MemberIndex, block: MemberBlock, codec: LayerCodec): Uint8Array {
    const name = `${index.key} ${block.offset}`
    if (this.#expanded?.name === name) return this.#expanded.bytes
    const file = openSync(this.streamPath(index.key), 'r')
    try {
      const stored = Buffer.alloc(block.length)
      readBytes(file, stored, block.offset)
      const bytes = expandBlock(codec, stored)
      this.#expanded = { name, bytes }
      return bytes
    } catch (error) {
      throw this.#damaged(index, error)
    } finally {
      closeSync(file)
    }
  }

  #damaged(index: MemberIndex, cause?: unknown): ImageError {
    this.discard(index.key)
    const reason = 'it is not what was cached, and was taken away; build again'
    return new ImageError('CACHE_DAMAGED', `cannot read the member of ${index.package}: ${reason}`, { cause })
  }

  #path(key: Digest, kind: string): string {
    const hex = hexOf(key)
    return join(this.#directory, hex.slice(0, 2), `${hex}.${kind}`)
  }
}
