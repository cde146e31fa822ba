/** One frame of zstd data (RFC 8878 §3.1), found without decoding it. */
export interface ZstdFrame {
  readonly offset: number
  /** Bytes, checksum included. */
  readonly length: number
  /** A skippable frame has no content. */
  readonly skippable: boolean
}

const MAGIC = 0xfd2fb528
const SKIPPABLE = 0x184d2a50
const CONTENT_SIZE_BYTES = [0, 2, 4, 8]
const BLOCK_HEADER = 3
const RLE = 1
const RESERVED = 3

/**
 * Finds the frames of zstd data by their block headers, or gives the reason, as text, why the data is cut short or
 * something else. `node:zlib` needs it: it decodes the first frame only, takes what follows in silence, and on
 * Node 22 a frame that is cut short as well.
 */
export function zstdFrames(data: Uint8Array): ZstdFrame[] | string {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const frames: ZstdFrame[] = []
  for (let at = 0; at < data.length; ) {
    if (data.length - at < 8) return 'it is cut short, or something else follows it'
    const magic = view.getUint32(at, true)
    const skippable = (magic & ~0xf) >>> 0 === SKIPPABLE
    if (!skippable && magic !== MAGIC) return 'it is no zstd data, or something else follows it'
    const end = skippable ? at + 8 + view.getUint32(at + 4, true) : frameEnd(view, at + 4)
    if (typeof end === 'string') return end
    if (end > data.length) return 'it is cut short'
    frames.push({ offset: at, length: end - at, skippable })
    at = end
  }
  return frames.length === 0 ? 'it is empty' : frames
}

function frameEnd(view: DataView, start: number): number | string {
  const descriptor = view.getUint8(start)
  const single = (descriptor & 0x20) !== 0
  if ((descriptor & 0x08) !== 0) return 'a frame uses what is reserved'
  if ((descriptor & 0x03) !== 0) return 'a frame needs a dictionary'
  const size = CONTENT_SIZE_BYTES[descriptor >> 6] ?? 0
  let at = start + 1 + (single ? Math.max(size, 1) : 1 + size)
  for (let last = false; !last; ) {
    if (at + BLOCK_HEADER > view.byteLength) return 'it is cut short'
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16)
    const type = (header >> 1) & 3
    if (type === RESERVED) return 'a block is of no known kind'
    last = (header & 1) === 1
    at += BLOCK_HEADER + (type === RLE ? 1 : header >> 3)
  }
  return at + ((descriptor & 0x04) !== 0 ? 4 : 0)
}
