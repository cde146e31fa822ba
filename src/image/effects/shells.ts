import type { Effect, EffectContext } from './effect.ts'
import { meaningfulLines, readText, textFile } from './entry.ts'

const TEMPLATE = '/usr/share/debianutils/shells'
const FRAGMENTS = '/usr/share/debianutils/shells.d'

/** /etc/shells as update-shells(8) writes it: the template, then what packages declare, each path as it is and resolved. */
export const shells: Effect = {
  name: 'shells',
  summary: 'Writes /etc/shells from the shells that packages declare.',
  apply(context) {
    const template = readText(context, TEMPLATE)
    if (template === undefined || context.tree.get('/etc/shells') !== undefined) return []
    const sources = [TEMPLATE, ...context.tree.list(FRAGMENTS).map((name) => `${FRAGMENTS}/${name}`)]
    const declared = new Set<string>()
    for (const source of sources) {
      for (const line of meaningfulLines(readText(context, source) ?? '')) {
        const shell = line.replace(/\s*#.*$/, '')
        declared.add(shell)
        declared.add(resolvedShell(context, shell))
      }
    }
    const listed = new Set(meaningfulLines(template))
    const added = [...declared].filter((shell) => !listed.has(shell))
    return [
      textFile('/etc/shells', template + added.map((shell) => `${shell}\n`).join('')),
      textFile('/var/lib/shells.state', [...declared].map((shell) => `${shell}\n`).join('')),
    ]
  },
}

/** The shell's path with the links of its directory followed, its own name kept. */
function resolvedShell({ tree }: EffectContext, shell: string): string {
  const at = shell.lastIndexOf('/')
  return `${tree.resolve(shell.slice(0, at)) ?? shell.slice(0, at)}${shell.slice(at)}`
}
