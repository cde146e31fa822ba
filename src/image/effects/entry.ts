import type { EffectContext, EffectEntry } from './effect.ts'

type FileEffectEntry = Extract<EffectEntry, { type: 'file' }>

/** A root-owned text file, 0644 unless told otherwise. */
export function textFile(path: string, text: string, mode = 0o644): FileEffectEntry {
  return { type: 'file', path, mode, uid: 0, gid: 0, content: new TextEncoder().encode(text) }
}

/** Tells whether a package of that name is in the image. */
export function hasPackage(context: EffectContext, name: string): boolean {
  return context.packages.some((installed) => installed.package.name === name)
}

/** The text of a file of the tree, links followed; `undefined` when there is none. */
export function readText({ tree, read }: EffectContext, path: string): string | undefined {
  const resolved = tree.resolve(path)
  const entry = resolved === undefined ? undefined : tree.get(resolved)
  if (entry?.type !== 'file' && entry?.type !== 'hardlink') return undefined
  return new TextDecoder().decode(read(entry.path))
}

/** The lines of a configuration file that say something: trimmed, without comments and empty ones. */
export function meaningfulLines(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
}
