import type { Effect } from './effect.ts'

/** Configuration files that packages keep below /usr and have ucf(1) put in place. */
export const configurationFiles: Effect = {
  name: 'configuration-files',
  summary: 'Copies configuration files that packages install through ucf, where there are none yet.',
  apply({ actions, tree, read }) {
    const written = new Set<string>()
    return actions.flatMap((action) => {
      if (action.kind !== 'configuration-file' || tree.resolve(action.target) !== undefined) return []
      const source = tree.resolve(action.source)
      const entry = source === undefined ? undefined : tree.get(source)
      if (source === undefined || entry === undefined || entry.type === 'directory' || written.has(action.target))
        return []
      written.add(action.target)
      return [{ type: 'file', path: action.target, mode: entry.mode, uid: 0, gid: 0, content: read(source) } as const]
    })
  },
}
