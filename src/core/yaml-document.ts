import type { Document, Node } from 'yaml'
import { lateModule } from './late-module.ts'
import { type DocumentPath, quote } from './shape.ts'

/** A line and a column in a text, both counted from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** A YAML document as plain values, with the way back to its text. */
export interface YamlDocument {
  /** Maps as objects in document order, lists, and scalars of the core schema (YAML 1.2.2, chapter 10.3). */
  readonly value: unknown
  /** Where a key or a value stands; where the path leads nowhere, the nearest value above. */
  locate(path: DocumentPath, at: 'key' | 'value'): Place
  /** A scalar as it was written: `0755` where the value is 755. */
  source(path: DocumentPath): string | undefined
}

/** Something that is wrong at a place in a text. */
export interface PlacedFault {
  readonly place: Place
  readonly message: string
}

const yaml = lateModule<typeof import('yaml')>('yaml')

const MAX_VALUES = 100_000
const MAX_DEPTH = 50
const MAX_FAULTS = 20

/** For what the parser says in terms of its own options. */
const OWN_WORDS: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'found a second document, want one',
  NON_STRING_KEY: 'a key must be text',
  RESOURCE_EXHAUSTION: 'it is nested too deeply',
}

/**
 * Reads one YAML 1.2 document strictly: no duplicate keys, keys are text, no tags, no directives, no second document.
 * Aliases are allowed while what they unfold to stays below `maxValues` (default 100,000) and 50 levels.
 * Gives the document, or what is wrong with it.
 */
export function parseYaml(text: string, maxValues = MAX_VALUES): YamlDocument | readonly PlacedFault[] {
  const lineCounter = new (yaml().LineCounter)()
  const place = (offset: number): Place => {
    const { line, col } = lineCounter.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  // Duplicate keys are looked for below: the parser's own search is quadratic, 47 s for 60,000 keys.
  // A level above `silent` is what makes a second document an error.
  const document = yaml().parseDocument(text, {
    version: '1.2',
    schema: 'core',
    uniqueKeys: false,
    stringKeys: true,
    prettyErrors: false,
    logLevel: 'error',
    lineCounter,
  })
  const wrongs = [...document.errors, ...document.warnings]
  if (wrongs.length > 0) {
    return wrongs.slice(0, MAX_FAULTS).map(({ pos, code, message }) => ({
      place: place(pos[0]),
      message: OWN_WORDS[code] ?? message.split('\n', 1).join(),
    }))
  }
  if (document.directives.yaml.explicit === true) {
    return [{ place: { line: 1, column: 1 }, message: 'found a %YAML directive, want YAML 1.2 without directives' }]
  }
  const unfolding = new Unfolding(document, maxValues)
  const value = unfolding.unfold(document.contents, 0)
  if (unfolding.faults.length > 0) {
    return unfolding.faults.slice(0, MAX_FAULTS).map(({ offset, message }) => ({ place: place(offset), message }))
  }
  return {
    value,
    locate: (path, at) => place(offsetOf(document, path, at)),
    source: (path) => {
      const { value: node } = follow(document, path)
      return yaml().isScalar(node) ? node.source : undefined
    },
  }
}

/** Turns nodes into values, counting what aliases unfold to. Linear in what it gives; stops at its limits. */
class Unfolding {
  readonly faults: { readonly offset: number; readonly message: string }[] = []
  readonly #anchors = new Map<string, Node>()
  readonly #document: Document.Parsed
  readonly #maxValues: number
  #values = 0

  constructor(document: Document.Parsed, maxValues: number) {
    this.#document = document
    this.#maxValues = maxValues
  }

  unfold(node: unknown, depth: number): unknown {
    if (++this.#values > this.#maxValues || depth > MAX_DEPTH) {
      if (this.faults.length === 0) {
        this.#refuse(
          node,
          `it holds more than ${this.#maxValues} values or ${MAX_DEPTH} levels once aliases are unfolded`,
        )
      }
      return undefined
    }
    if (yaml().isAlias(node)) {
      const target = this.#anchors.get(node.source)
      if (target === undefined) return this.#refuse(node, `the alias *${node.source} has no anchor before it`)
      return this.unfold(target, depth + 1)
    }
    if (!yaml().isMap(node) && !yaml().isSeq(node) && !yaml().isScalar(node)) return null
    if (node.tag !== undefined) return this.#refuse(node, `found the tag ${quote(node.tag)}, want values without tags`)
    const value = yaml().isMap(node)
      ? this.#unfoldMap(node.items, depth)
      : yaml().isSeq(node)
        ? node.items.map((item) => this.unfold(item, depth + 1))
        : node.value
    // Set only now, so that an alias inside its own anchor finds nothing.
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node)
    return value
  }

  #unfoldMap(pairs: readonly { key: unknown; value: unknown }[], depth: number): unknown {
    const members = new Map<string, unknown>()
    for (const pair of pairs) {
      const key = yaml().isScalar(pair.key) && typeof pair.key.value === 'string' ? pair.key.value : undefined
      if (key === undefined) this.#refuse(pair.key, 'a key must be text')
      else if (members.has(key)) this.#refuse(pair.key, `the key ${quote(key)} stands here for the second time`)
      else members.set(key, this.unfold(pair.value, depth + 1))
    }
    return Object.fromEntries(members)
  }

  #refuse(node: unknown, message: string): undefined {
    this.faults.push({ offset: startOf(node) ?? startOf(this.#document.contents) ?? 0, message })
    return undefined
  }
}

interface Steps {
  readonly key: unknown
  readonly value: unknown
  /** The last node on the way that has a place in the text. */
  readonly nearest: unknown
}

function follow(document: Document.Parsed, path: DocumentPath): Steps {
  let steps: Steps = { key: undefined, value: document.contents, nearest: document.contents }
  for (const step of path) {
    const parent = yaml().isAlias(steps.value) ? steps.value.resolve(document) : steps.value
    const pair = yaml().isMap(parent)
      ? parent.items.find(({ key }) => yaml().isScalar(key) && key.value === step)
      : yaml().isSeq(parent) && typeof step === 'number'
        ? { key: undefined, value: parent.items[step] }
        : undefined
    if (pair === undefined) break
    const found = startOf(pair.value) === undefined ? pair.key : pair.value
    steps = { key: pair.key, value: pair.value, nearest: found ?? steps.nearest }
  }
  return steps
}

function offsetOf(document: Document.Parsed, path: DocumentPath, at: 'key' | 'value'): number {
  const { key, nearest } = follow(document, path)
  return (at === 'key' ? startOf(key) : undefined) ?? startOf(nearest) ?? 0
}

function startOf(node: unknown): number | undefined {
  return yaml().isAlias(node) || yaml().isMap(node) || yaml().isSeq(node) || yaml().isScalar(node)
    ? node.range?.[0]
    : undefined
}
