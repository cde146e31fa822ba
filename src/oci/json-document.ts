import { readStrictJson } from '#core'
import { OciError } from './errors.ts'

/** The most bytes that an index, manifest or config may have: what registries accept (distribution-spec §push). */
export const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024

const MAX_DEPTH = 64

/**
 * Reads a JSON document whose top is an object; `name` is what messages call it. Throws `DOCUMENT_INVALID` for more
 * than 4 MiB, for bytes that are no UTF-8 or no JSON, for a key that stands twice in one object and for nesting deeper
 * than 64: readers that disagree about such a document would see different images under one digest.
 */
export function parseDocument(bytes: Uint8Array, name: string): JsonObject {
  return new JsonObject(parseStrictly(bytes, name), name)
}

/** Reads a JSON document whose top is a list of objects, by the same rules. Throws `DOCUMENT_INVALID`. */
export function parseDocumentList(bytes: Uint8Array, name: string): JsonObject[] {
  const value = parseStrictly(bytes, name)
  if (!Array.isArray(value)) throw invalid(name, 'it is no JSON list')
  return value.map((item, index) => new JsonObject(item, `${name}[${index}]`))
}

function parseStrictly(bytes: Uint8Array, name: string): unknown {
  const read = readStrictJson(bytes, { maxBytes: MAX_DOCUMENT_BYTES, maxDepth: MAX_DEPTH })
  if ('value' in read) return read.value
  throw new OciError('DOCUMENT_INVALID', `cannot read ${name}: ${read.fault}`, { cause: read.cause })
}

function invalid(place: string, reason: string): OciError {
  return new OciError('DOCUMENT_INVALID', `cannot read ${place}: ${reason}`)
}

/**
 * An object of a JSON document, read member by member with the types that a specification asks for. `null` counts as
 * absent, as Go programs write it; members that nobody asks for are left alone. Every method throws
 * `DOCUMENT_INVALID`, naming the place, when a member is not what was asked for.
 */
export class JsonObject {
  readonly place: string
  readonly #members: ReadonlyMap<string, unknown>

  constructor(value: unknown, place: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw invalid(place, 'it is no JSON object')
    }
    this.place = place
    this.#members = new Map(Object.entries(value).filter(([, member]) => member !== null))
  }

  has(key: string): boolean {
    return this.#members.has(key)
  }

  keys(): IterableIterator<string> {
    return this.#members.keys()
  }

  text(key: string): string {
    return this.#required(key, this.optionalText(key))
  }

  optionalText(key: string): string | undefined {
    const value = this.#members.get(key)
    if (value === undefined || typeof value === 'string') return value
    throw invalid(`${this.place}.${key}`, 'it is no text')
  }

  /** A whole number from 0 to the largest that a JavaScript number holds exactly. */
  size(key: string): number {
    const value = this.#required(key, this.#members.get(key))
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
    throw invalid(`${this.place}.${key}`, `${JSON.stringify(value)} is no size`)
  }

  optionalFlag(key: string): boolean | undefined {
    const value = this.#members.get(key)
    if (value === undefined || typeof value === 'boolean') return value
    throw invalid(`${this.place}.${key}`, 'it is neither true nor false')
  }

  object(key: string): JsonObject {
    return this.#required(key, this.optionalObject(key))
  }

  optionalObject(key: string): JsonObject | undefined {
    const value = this.#members.get(key)
    return value === undefined ? undefined : new JsonObject(value, `${this.place}.${key}`)
  }

  /** The objects of a list; an absent list is empty. */
  objects(key: string): JsonObject[] {
    return this.#list(key).map((value, index) => new JsonObject(value, `${this.place}.${key}[${index}]`))
  }

  texts(key: string): string[] {
    return this.#list(key).map((value, index) => {
      if (typeof value === 'string') return value
      throw invalid(`${this.place}.${key}[${index}]`, 'it is no text')
    })
  }

  optionalTexts(key: string): string[] | undefined {
    return this.has(key) ? this.texts(key) : undefined
  }

  optionalTextMap(key: string): Readonly<Record<string, string>> | undefined {
    const map = this.optionalObject(key)
    return map && Object.fromEntries([...map.keys()].map((name) => [name, map.text(name)]))
  }

  #list(key: string): readonly unknown[] {
    const value = this.#members.get(key) ?? []
    if (Array.isArray(value)) return value
    throw invalid(`${this.place}.${key}`, 'it is no list')
  }

  #required<Value>(key: string, value: Value | undefined): Value {
    if (value === undefined) throw invalid(this.place, `it has no "${key}"`)
    return value
  }
}
