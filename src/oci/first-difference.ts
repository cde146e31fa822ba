import { createHash } from 'node:crypto'
import { canonicalJson, type Json, TAR_LIMITS, type TarHeader, TarReader } from '#core'
import type { OpenedImage, OpenedLayer } from './opened-image.ts'

/** Where two images part for the first time. */
export interface ImageDifference {
  /** Which part of the image: `manifest`, `config`, or a layer by its number from 0. */
  readonly part: 'manifest' | 'config' | number
  /** The path of the file in a layer, or the place in a document, e.g. `config.Env`. */
  readonly place: string
  /** In plain words, the left side first. */
  readonly reason: string
}

/**
 * Finds the first difference between the images of one platform, layers before config before manifest: in a layer down to the
 * file and what of it differs. `undefined` when the manifests are the same. Rejects as reading the layers does.
 */
export async function firstDifference(left: OpenedImage, right: OpenedImage): Promise<ImageDifference | undefined> {
  if (left.manifestDocument.descriptor.digest === right.manifestDocument.descriptor.digest) return undefined
  for (const [number, layer] of left.layers.entries()) {
    const other = right.layers[number]
    if (other === undefined) break
    if (layer.descriptor.digest === other.descriptor.digest) continue
    const found = await layerDifference(layer, other)
    return { part: number, ...found }
  }
  if (left.layers.length !== right.layers.length) {
    return { part: 'manifest', place: 'layers', reason: `${left.layers.length} layers, ${right.layers.length}` }
  }
  const parts = [
    ['config', left.configDocument.bytes, right.configDocument.bytes],
    ['manifest', left.manifestDocument.bytes, right.manifestDocument.bytes],
  ] as const
  for (const [part, one, other] of parts) {
    const found = jsonDifference(parse(one), parse(other), '')
    if (found !== undefined) return { part, ...found }
  }
  return { part: 'manifest', place: '', reason: 'the same content is written in other bytes' }
}

async function layerDifference(left: OpenedLayer, right: OpenedLayer): Promise<Omit<ImageDifference, 'part'>> {
  const [ours, theirs] = [await entriesOf(left), await entriesOf(right)]
  for (const [number, entry] of ours.entries()) {
    const other = theirs[number]
    const found =
      other === undefined ? { place: entry.path, reason: 'it is there, it is not' } : entryDifference(entry, other)
    if (found !== undefined) return found
  }
  const [more] = theirs.slice(ours.length)
  if (more !== undefined) return { place: more.path, reason: 'it is not there, it is' }
  return { place: '', reason: 'the same files are compressed to other bytes' }
}

/** An entry of a tar archive: its header, and the digest of its content. */
type Entry = Readonly<Record<'path', string>> & { readonly facts: Readonly<Record<string, string>> }

async function entriesOf(layer: OpenedLayer): Promise<Entry[]> {
  const entries: { path: string; facts: Record<string, string> }[] = []
  const reader = new TarReader({
    origin: layer.descriptor.digest,
    limits: TAR_LIMITS,
    onEntry(header) {
      const entry = { path: header.path, facts: factsOf(header) }
      entries.push(entry)
      const hash = createHash('sha256')
      return {
        write: (chunk) => void hash.update(chunk),
        end() {
          entry.facts['content'] = `sha256:${hash.digest('hex')}`
        },
      }
    },
  })
  for await (const chunk of layer.openTar()) reader.push(chunk)
  reader.end()
  return entries
}

function factsOf({ path: _, type, mode, xattrs, ...header }: TarHeader): Record<string, string> {
  const attributes = [...xattrs].map(([name, value]) => `${name}=${Buffer.from(value).toString('base64')}`)
  const facts = { type, mode: mode.toString(8), ...header, xattrs: attributes.sort().join(' ') }
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, String(value)]))
}

function entryDifference(left: Entry, right: Entry): Omit<ImageDifference, 'part'> | undefined {
  if (left.path !== right.path) {
    // Entries are in the order of paths: the lower one is what the other side lacks.
    const [place, reason] =
      left.path < right.path ? [left.path, 'it is there, it is not'] : [right.path, 'it is not there, it is']
    return { place, reason }
  }
  const names = new Set([...Object.keys(left.facts), ...Object.keys(right.facts)])
  for (const name of names) {
    const [one = 'none', other = 'none'] = [left.facts[name], right.facts[name]]
    if (one !== other) return { place: left.path, reason: `${name} ${one}, ${other}` }
  }
  return undefined
}

function parse(bytes: Uint8Array): Json {
  return JSON.parse(Buffer.from(bytes).toString('utf8'))
}

function jsonDifference(
  left: Json | undefined,
  right: Json | undefined,
  place: string,
): Omit<ImageDifference, 'part'> | undefined {
  if (isContainer(left) && isContainer(right) && Array.isArray(left) === Array.isArray(right)) {
    const keys = new Set([...Object.keys(left), ...Object.keys(right)])
    for (const key of [...keys].sort()) {
      const inner = jsonDifference(left[key], right[key], place === '' ? key : `${place}.${key}`)
      if (inner !== undefined) return inner
    }
    return undefined
  }
  const [one, other] = [write(left), write(right)]
  return one === other ? undefined : { place, reason: `${one}, ${other}` }
}

function isContainer(value: Json | undefined): value is { readonly [key: string]: Json | undefined } {
  return typeof value === 'object' && value !== null
}

function write(value: Json | undefined): string {
  if (value === undefined) return 'none'
  const text = canonicalJson(value)
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
