import type { Archive, ArchiveSuite } from '#debian'
import type { Effect } from './effects/effect.ts'
import { hasPackage, textFile } from './effects/entry.ts'

const FOLDER = '/etc/apt/sources.list.d'

/**
 * Tells apt where the archive is that the image was made from: its suites at the first public mirror that the archive's
 * own file names, never at the mirror of the place of building. An image without apt, or with sources of its own, gets none.
 */
export function aptSources(archive: Archive): Effect {
  return {
    name: 'apt-sources',
    summary: "Writes apt's sources: the image's own archive at its public mirror.",
    apply(context) {
      const { tree } = context
      if (!hasPackage(context, 'apt') || archive.release === undefined) return []
      if (tree.get('/etc/apt/sources.list') !== undefined || tree.list(FOLDER).length > 0) return []
      const keyring = `/usr/share/keyrings/${archive.release.id}-archive-keyring.gpg`
      const text = formatSources(archive, tree.resolve(keyring) === undefined ? undefined : keyring)
      return text === '' ? [] : [textFile(`${FOLDER}/${archive.release.id}.sources`, text)]
    },
  }
}

/** deb822 paragraphs (sources.list(5)), one for the suites that share a mirror and components. */
function formatSources({ suites, mirrors }: Archive, keyring: string | undefined): string {
  const groups = new Map<string, ArchiveSuite[]>()
  for (const suite of suites) {
    const key = `${suite.mirror} ${suite.components.join(' ')}`
    groups.set(key, [...(groups.get(key) ?? []), suite])
  }
  const paragraphs = [...groups.values()].flatMap((group) => {
    const [first] = group
    const uri = first && mirrors[first.mirror]?.builtIn[0]
    if (first === undefined || uri === undefined) return []
    const lines = ['Types: deb', `URIs: ${uri}`, `Suites: ${group.map(({ suite }) => suite).join(' ')}`]
    if (first.components.length > 0) lines.push(`Components: ${first.components.join(' ')}`)
    if (keyring !== undefined) lines.push(`Signed-By: ${keyring}`)
    return [`${lines.join('\n')}\n`]
  })
  return paragraphs.join('\n')
}
