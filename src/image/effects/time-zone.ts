import { compareVersions } from '#debian'
import { ImageError } from '../errors.ts'
import type { Effect } from './effect.ts'
import { hasPackage, textFile } from './entry.ts'

/** /etc/localtime as tzdata's postinst links it. Debian 13 and later keep no /etc/timezone beside it. */
export const timeZone: Effect = {
  name: 'time-zone',
  summary: 'Links /etc/localtime to the time zone of the definition.',
  apply(context) {
    const { tree, timeZone: zone, release } = context
    const data = `/usr/share/zoneinfo/${zone}`
    if (!hasPackage(context, 'tzdata')) {
      if (/^(Etc\/)?(UTC|UCT|Universal|Zulu)$/.test(zone)) return []
      throw new ImageError('EFFECT_INVALID', `cannot set time zone ${zone}: the image has no package tzdata`)
    }
    const resolved = tree.resolve(data)
    if (resolved === undefined || tree.get(resolved)?.type === 'directory') {
      throw new ImageError('EFFECT_INVALID', `cannot set time zone ${zone}: tzdata has no ${data}`)
    }
    const keepsName = compareVersions(release.version, '13') < 0
    return [
      { type: 'symlink', path: '/etc/localtime', target: data },
      ...(keepsName ? [textFile('/etc/timezone', `${zone}\n`)] : []),
    ]
  },
}
