import type { Effect, EffectEntry } from './effect.ts'
import { hasPackage } from './entry.ts'

const AVAILABLE = '/usr/share/fontconfig/conf.avail'
const ENABLED = '/etc/fonts/conf.d'

/** What the default answers to the questions of fontconfig-config enable beside the rules that the package itself links. */
const rules = ['10-hinting-slight.conf', '70-no-bitmaps-except-emoji.conf']

/** The links that the postinst of fontconfig-config makes by the answers in debconf, and the directory of a user's fonts. */
export const fontConfiguration: Effect = {
  name: 'font-configuration',
  summary: 'Enables the font rules that the default answers to the questions of fontconfig-config choose.',
  apply(context) {
    if (!hasPackage(context, 'fontconfig-config')) return []
    const fonts = '/usr/local/share/fonts'
    const links = rules
      .filter((name) => context.tree.resolve(`${AVAILABLE}/${name}`) !== undefined)
      .filter((name) => context.tree.get(`${ENABLED}/${name}`) === undefined)
      .map((name): EffectEntry => ({ type: 'symlink', path: `${ENABLED}/${name}`, target: `${AVAILABLE}/${name}` }))
    const directory: EffectEntry = { type: 'directory', path: fonts, mode: 0o755, uid: 0, gid: 0 }
    return context.tree.get(fonts) === undefined ? [...links, directory] : links
  },
}
