import type { Effect, EffectContext, EffectEntry } from './effect.ts'
import { hasPackage, textFile } from './entry.ts'

const ADMIN = '/var/lib/dpkg'

/** The format in which names of files below info/ bear an architecture where packages are co-installable. */
const INFO_FORMAT = '1\n'

/**
 * What dpkg's database holds beside the packages themselves: diversions, the triggers that packages listen to, and the
 * templates of debconf's questions, which a path rule leaves out of every package.
 */
export const dpkgState: Effect = {
  name: 'dpkg-state',
  summary:
    "Writes dpkg's records of diversions and triggers, its format and debconf's templates into images that hold dpkg.",
  apply(context) {
    if (!hasPackage(context, 'dpkg')) return []
    return [
      ...diversions(context),
      ...triggers(context),
      directory(`${ADMIN}/updates`),
      directory(`${ADMIN}/info`),
      textFile(`${ADMIN}/info/format`, INFO_FORMAT),
      ...templates(context),
    ].filter((entry) => entry.type !== 'directory' || context.tree.get(entry.path) === undefined)
  },
}

function diversions({ actions }: EffectContext): readonly EffectEntry[] {
  const made = actions.filter((action) => action.kind === 'diversion')
  if (made.length === 0) return []
  const lines = made.map(({ path, to, by }) => `${path}\n${to}\n${by}\n`).sort()
  return [textFile(`${ADMIN}/diversions`, lines.join(''))]
}

/** File triggers in one file, named ones in a file each (deb-triggers(5)); packages in name order. */
function triggers({ packages }: EffectContext): readonly EffectEntry[] {
  const files: string[] = []
  const named = new Map<string, string[]>()
  for (const installed of packages) {
    const text = new TextDecoder().decode(installed.control.get('triggers') ?? new Uint8Array())
    for (const [, directive = '', name = ''] of text.matchAll(/^\s*(interest(?:-await|-noawait)?)\s+(\S+)/gm)) {
      const listener = nameInDatabase(installed.package) + (directive === 'interest-noawait' ? '/noawait' : '')
      if (name.startsWith('/')) files.push(`${name} ${listener}\n`)
      else named.set(name, [...(named.get(name) ?? []), `${listener}\n`])
    }
  }
  return [
    directory(`${ADMIN}/triggers`),
    textFile(`${ADMIN}/triggers/File`, files.join('')),
    textFile(`${ADMIN}/triggers/Unincorp`, ''),
    ...[...named.keys()].sort().map((name) => textFile(`${ADMIN}/triggers/${name}`, (named.get(name) ?? []).join(''))),
  ]
}

function templates({ packages }: EffectContext): readonly EffectEntry[] {
  return packages.flatMap(({ package: own, control }): EffectEntry[] => {
    const content = control.get('templates')
    if (content === undefined) return []
    const path = `${ADMIN}/info/${nameInDatabase(own)}.templates`
    return [{ type: 'file', path, mode: 0o644, uid: 0, gid: 0, content }]
  })
}

/** dpkg qualifies the names of packages that can be installed for several architectures. */
function nameInDatabase(package_: EffectContext['packages'][number]['package']): string {
  return package_.multiArch === 'same' ? `${package_.name}:${package_.architecture}` : package_.name
}

function directory(path: string): EffectEntry {
  return { type: 'directory', path, mode: 0o755, uid: 0, gid: 0 }
}
