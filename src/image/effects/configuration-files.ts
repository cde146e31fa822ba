import { createHash } from 'node:crypto'
import type { Effect, EffectEntry } from './effect.ts'
import { hasPackage, textFile } from './entry.ts'

/** Configuration files that packages keep below /usr and have ucf(1) put in place. */
export const configurationFiles: Effect = {
  name: 'configuration-files',
  summary: 'Copies configuration files that packages install through ucf, where there are none yet.',
  apply(context) {
    const { actions, tree, read } = context
    const written = new Set<string>()
    const hashes: string[] = []
    const owners: string[] = []
    const files = actions.flatMap((action): EffectEntry[] => {
      if (action.kind !== 'configuration-file' || tree.resolve(action.target) !== undefined) return []
      const source = tree.resolve(action.source)
      const entry = source === undefined ? undefined : tree.get(source)
      if (source === undefined || entry === undefined || entry.type === 'directory' || written.has(action.target))
        return []
      written.add(action.target)
      const content = read(source)
      hashes.push(`${createHash('md5').update(content).digest('hex')}  ${action.target}\n`)
      owners.push(`${action.package} \t ${action.target}\n`)
      return [{ type: 'file', path: action.target, mode: entry.mode, uid: 0, gid: 0, content }]
    })
    if (files.length === 0 || !hasPackage(context, 'ucf')) return files
    const state = '/var/lib/ucf'
    return [...files, textFile(`${state}/hashfile`, hashes.join('')), textFile(`${state}/registry`, owners.join(''))]
  },
}
