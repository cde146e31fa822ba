import type { AlternativeAction } from '../scripts/action.ts'
import type { Effect, EffectContext, EffectEntry } from './effect.ts'
import { hasPackage, textFile } from './entry.ts'

type Choice = Pick<AlternativeAction, 'path' | 'priority' | 'slaves'>

/** A link group with all its choices (update-alternatives(1), "Terminology"). */
interface Group {
  readonly name: string
  readonly link: string
  readonly choices: readonly Choice[]
}

/** What `update-alternatives --install` calls leave behind, with every group in automatic mode. */
export const alternatives: Effect = {
  name: 'alternatives',
  summary:
    'Links awk, pager, java and their like to the alternative of the highest priority, through /etc/alternatives.',
  apply(context) {
    const groups = groupsOf(context)
    const records = hasPackage(context, 'dpkg')
    return groups.flatMap((group) => {
      const best = bestOf(group)
      if (best === undefined) return []
      return [
        ...pairOf(group.link, group.name, best.path),
        ...best.slaves
          .filter((slave) => context.tree.resolve(slave.path) !== undefined)
          .flatMap((slave) => pairOf(slave.link, slave.name, slave.path)),
        ...(records ? [textFile(`/var/lib/dpkg/alternatives/${group.name}`, formatGroup(group))] : []),
      ]
    })
  },
}

/** The groups in name order. A choice whose file a rule left out is none, as for update-alternatives itself. */
function groupsOf({ actions, tree }: EffectContext): readonly Group[] {
  const groups = new Map<string, { name: string; link: string; choices: Choice[] }>()
  for (const action of actions) {
    if (action.kind !== 'alternative' || tree.resolve(action.path) === undefined) continue
    const group = groups.get(action.name) ?? { name: action.name, link: action.link, choices: [] }
    groups.set(action.name, group)
    if (!group.choices.some(({ path }) => path === action.path)) group.choices.push(action)
  }
  for (const { choices } of groups.values()) choices.sort((left, right) => (left.path < right.path ? -1 : 1))
  return [...groups.values()].sort((left, right) => (left.name < right.name ? -1 : 1))
}

/** The choice of the highest priority; of equals, the first by path. */
function bestOf({ choices }: Group): Choice | undefined {
  return choices.reduce<Choice | undefined>((best, choice) => {
    return best === undefined || choice.priority > best.priority ? choice : best
  }, undefined)
}

/** The public link, which leads to /etc/alternatives, and the link there, which leads to the choice. */
function pairOf(link: string, name: string, path: string): readonly EffectEntry[] {
  return [
    { type: 'symlink', path: `/etc/alternatives/${name}`, target: path },
    { type: 'symlink', path: link, target: `/etc/alternatives/${name}` },
  ]
}

/** The group's file below /var/lib/dpkg/alternatives, as update-alternatives writes it. */
function formatGroup({ link, choices }: Group): string {
  const slaves = new Map(choices.flatMap((choice) => choice.slaves.map((slave) => [slave.name, slave.link] as const)))
  const names = [...slaves.keys()].sort()
  const head = ['auto', link, ...names.flatMap((name) => [name, slaves.get(name) ?? '']), '']
  const body = choices.flatMap(({ path, priority, slaves: own }) => {
    return [path, String(priority), ...names.map((name) => own.find((slave) => slave.name === name)?.path ?? '')]
  })
  return `${[...head, ...body, ''].join('\n')}\n`
}
