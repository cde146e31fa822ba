import { type ImageFile, ImageFiles, type LayerContent } from '#oci'

/** What a layer holds as JSON; bytes are in base64. */
export interface ContentNote {
  readonly files: readonly NotedFile[]
  readonly removed: readonly string[]
  readonly opaque: readonly string[]
}

type NotedFile = Omit<ImageFile, 'content' | 'xattrs'> & {
  readonly content?: string
  readonly xattrs?: readonly (readonly [name: string, value: string])[]
}

/** Makes the note of what a layer holds. */
export function noteOfContent({ files, removed, opaque }: LayerContent): ContentNote {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
  const noted = [...files.entries()].map(({ xattrs, content, ...file }) => ({
    ...file,
    ...(content === undefined ? {} : { content: base64(content) }),
    ...(xattrs.size === 0 ? {} : { xattrs: [...xattrs].map(([name, value]) => [name, base64(value)] as const) }),
  }))
  return { files: noted, removed, opaque }
}

/** What a note says that a layer holds. */
export function contentOfNote({ files, removed, opaque }: ContentNote): LayerContent {
  const byPath = files.map(({ content, xattrs = [], ...file }): [string, ImageFile] => [
    file.path,
    {
      ...file,
      xattrs: new Map(xattrs.map(([name, value]) => [name, Buffer.from(value, 'base64')])),
      ...(content === undefined ? {} : { content: Buffer.from(content, 'base64') }),
    },
  ])
  return { files: new ImageFiles(new Map(byPath)), removed, opaque }
}
