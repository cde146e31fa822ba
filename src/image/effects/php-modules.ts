import type { Effect, EffectContext, EffectEntry } from './effect.ts'
import { readText, textFile } from './entry.ts'

/** What `phpenmod` leaves behind: links to a module's ini file, by priority, for each interface of PHP that is there. */
export const phpModules: Effect = {
  name: 'php-modules',
  summary: 'Enables the PHP modules whose packages are installed, for every interface (cli, fpm …) that is.',
  apply(context) {
    const wanted = new Map<string, { version: string; sapi: string; module: string }>()
    for (const action of context.actions) {
      if (action.kind !== 'php-module') continue
      const interfaces =
        action.sapi === 'ALL' ? context.tree.list(`/usr/lib/php/${action.version}/sapi`) : [action.sapi]
      for (const sapi of interfaces) {
        const { version, module } = action
        wanted.set(`${version}/${sapi}/${module}`, { version, sapi, module })
      }
    }
    return [...wanted.keys()].sort().flatMap((key) => {
      const module = wanted.get(key)
      return module === undefined ? [] : enable(context, module)
    })
  },
}

function enable(
  context: EffectContext,
  { version, sapi, module }: { version: string; sapi: string; module: string },
): readonly EffectEntry[] {
  const ini = `/etc/php/${version}/mods-available/${module}.ini`
  const text = readText(context, ini)
  if (text === undefined) return []
  const priority = /^;\s*priority\s*=\s*([0-9]+)/m.exec(text)?.[1] ?? '20'
  return [
    { type: 'symlink', path: `/etc/php/${version}/${sapi}/conf.d/${priority}-${module}.ini`, target: ini },
    textFile(`/var/lib/php/modules/${version}/${sapi}/enabled_by_maint/${module}`, ''),
  ]
}
