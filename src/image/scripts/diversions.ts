import { MemoryTree } from '../memory-tree.ts'
import type { Diversion } from '../merge.ts'
import { mergeUsr } from '../path-rules.ts'
import { classifyScripts } from './classify-scripts.ts'

const unpacked = new MemoryTree([])

/**
 * The diversions that preinst scripts make before anything is unpacked, in package order, with the merged /usr applied to
 * both paths, for `mergePackages`. File tests in them see an empty root, as they would on a first installation.
 */
export function readDiversions(
  packages: readonly { readonly name: string; readonly control: ReadonlyMap<string, Uint8Array> }[],
  architecture: string,
): readonly Diversion[] {
  return packages.flatMap(({ name, control }) => {
    const preinst = control.get('preinst')
    if (preinst === undefined || !mentionsDiversion(preinst)) return []
    const { scripts } = classifyScripts(
      { package: name, architecture, tree: unpacked },
      new Map([['preinst', preinst]]),
    )
    return scripts
      .flatMap(({ actions }) => actions)
      .flatMap((action) => {
        if (action.kind !== 'diversion') return []
        return [{ path: mergeUsr(action.path, 'file'), to: mergeUsr(action.to, 'file'), by: action.by }]
      })
  })
}

/**
 * Whether a script may divert at all: few do, and following the others takes time. One that hid the word would have its
 * package refused for shipping another's path, no more.
 */
function mentionsDiversion(script: Uint8Array): boolean {
  return /divert/.test(new TextDecoder().decode(script).replaceAll(/["'\\\n]/g, ''))
}
