import type { Tree } from '../tree.ts'

/** What a script's outcome may depend on; everything else counts as unknown. */
export interface ScriptFacts {
  /** The package whose script it is. */
  readonly package: string
  /** Debian architecture of the image. */
  readonly architecture: string
  /** The tree of all packages, in which the script's file tests are answered. */
  readonly tree: Tree
}

const SEARCH_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin']

/** The path of a program of the image, as `command -v` finds it. */
export function findProgram(tree: Tree, name: string): string | undefined {
  if (name.startsWith('/')) return tree.resolve(name) === undefined ? undefined : name
  return SEARCH_PATH.map((directory) => `${directory}/${name}`).find((path) => tree.resolve(path) !== undefined)
}
