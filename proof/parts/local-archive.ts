import { readFile } from 'node:fs/promises'
import { createDecoders, loadLibarchive, readDebControl } from '#debian'
import { type TestArchive, type TestDeb, testArchive } from '#testkit'

/** Real .deb files as packages of a test archive: their bytes, with the control paragraphs that stand in them. */
export async function realDebs(paths: readonly string[]): Promise<TestDeb[]> {
  const decoders = createDecoders(await loadLibarchive())
  return Promise.all(
    [...new Set(paths)].map(async (path) => {
      const bytes = await readFile(path)
      const read = (offset: number, length: number) => bytes.subarray(offset, offset + length)
      const { files } = readDebControl({ name: path, size: bytes.length, read }, decoders)
      return { bytes, control: Buffer.from(files.get('control') ?? '').toString('utf8') }
    }),
  )
}

/** A signed archive of these packages that passes for Debian 13; `ends` gets what takes it away. */
export function localArchive(
  name: string,
  debs: readonly TestDeb[],
  ends: (() => Promise<void>)[],
  options: { readonly architectures?: readonly string[]; readonly snapshot?: string } = {},
): Promise<TestArchive> {
  return testArchive(
    { after: (end) => void ends.unshift(end) },
    {
      name,
      debs,
      archiveLines: ['merged-usr: shipped', 'release: { id: debian, version: "13", codename: trixie }'],
      ...options,
    },
  )
}
