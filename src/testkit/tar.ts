import { encodeTarEntry, TAR_END, type TarHeaderInput, tarPadding } from '#core'

/** One entry of a tar archive made for a test; metadata that is left out is a plain file's of root. */
export interface TarItem extends Partial<TarHeaderInput> {
  readonly path: string
  readonly content?: string | Uint8Array
}

const text = new TextEncoder()

/** The moment that everything in test packages was made at, in seconds. */
export const TEST_MTIME = 1_700_000_000

/** Joins chunks of bytes or text. */
export function bytesOf(...chunks: readonly (string | Uint8Array)[]): Uint8Array {
  return Buffer.concat(chunks.map((chunk) => (typeof chunk === 'string' ? text.encode(chunk) : chunk)))
}

/** Header, content and padding of one entry. A `size` that is given wins over the content's, for lying archives. */
export function tarItem(item: TarItem): Uint8Array {
  const { content = '', ...rest } = item
  const body = bytesOf(content)
  const type = item.type ?? 'file'
  const mode = type === 'directory' ? 0o755 : 0o644
  const header = {
    type,
    mode,
    uid: 0,
    gid: 0,
    mtime: TEST_MTIME,
    size: body.length,
    uname: 'root',
    gname: 'root',
    ...rest,
  }
  return bytesOf(encodeTarEntry(header), body, new Uint8Array(tarPadding(body.length)))
}

/** A whole archive of these entries; bytes among them are put in as they are. */
export function tarOf(...items: readonly (TarItem | Uint8Array)[]): Uint8Array {
  return tarOfAll(items)
}

/** The same for a list, which may be long. */
export function tarOfAll(items: readonly (TarItem | Uint8Array)[]): Uint8Array {
  return Buffer.concat([...items.map((item) => (item instanceof Uint8Array ? item : tarItem(item))), TAR_END])
}

/**
 * An entry whose header is changed by hand: `fields` maps byte offsets to the bytes that stand there. The checksum is
 * made right afterwards, unless `fields` sets it (offset 148).
 */
export function forgedTarItem(item: TarItem, fields: Readonly<Record<number, string | Uint8Array>>): Uint8Array {
  const bytes = tarItem(item)
  for (const [offset, value] of Object.entries(fields)) bytes.set(bytesOf(value), Number(offset))
  if (148 in fields) return bytes
  bytes.fill(0x20, 148, 156)
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  bytes.set(bytesOf(`${sum.toString(8).padStart(6, '0')}\u0000 `), 148)
  return bytes
}

/** A pax extended header (`x`) or global header (`g`) with these records, written as they are given. */
export function paxItem(flag: 'x' | 'g', records: string | Uint8Array): Uint8Array {
  return forgedTarItem({ path: 'pax', content: records }, { 156: flag })
}

/** A pax record, `LENGTH KEYWORD=VALUE\n`, with its length right. */
export function paxRecord(keyword: string, value: string): string {
  const rest = ` ${keyword}=${value}\n`
  const size = Buffer.byteLength(rest)
  const digits = String(size + String(size).length).length
  return `${size + digits}${rest}`
}
