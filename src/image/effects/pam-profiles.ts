import type { Effect, EffectContext } from './effect.ts'
import { readText, textFile } from './entry.ts'

const PROFILES = '/usr/share/pam-configs'
const TEMPLATES = '/usr/share/pam'
const kinds = ['account', 'auth', 'password', 'session', 'session-noninteractive'] as const

/** A field of a profile, by name in lower case; the lines of a many-lined field without their indent. */
type Profile = ReadonlyMap<string, readonly string[]>

/** /etc/pam.d/common-* as pam-auth-update(8) makes them from the profiles that are on by default. */
export const pamProfiles: Effect = {
  name: 'pam-profiles',
  summary: "Writes PAM's common files from the profiles that packages install.",
  apply(context) {
    const profiles = defaultProfiles(context)
    return kinds.flatMap((kind) => {
      const template = readText(context, `${TEMPLATES}/common-${kind}`)
      const path = `/etc/pam.d/common-${kind}`
      if (template === undefined || context.tree.get(path) !== undefined) return []
      const variable = kind.startsWith('session') ? 'session' : kind
      const text = template
        .replace(`$${variable}_primary\n`, primaryLines(profiles, kind))
        .replace(`$${variable}_additional\n`, additionalLines(profiles, kind))
      return [textFile(path, text)]
    })
  },
}

/** The profiles that are on by default, highest priority first. */
function defaultProfiles(context: EffectContext): readonly Profile[] {
  const profiles = context.tree
    .list(PROFILES)
    .map((name) => parseProfile(readText(context, `${PROFILES}/${name}`) ?? ''))
  const priority = (profile: Profile) => Number(profile.get('priority')?.[0] ?? '0')
  return profiles
    .filter((profile) => profile.get('default')?.[0] === 'yes')
    .sort((left, right) => priority(right) - priority(left))
}

function parseProfile(text: string): Profile {
  const fields = new Map<string, string[]>()
  let current: string[] = []
  for (const line of text.split('\n')) {
    const field = /^([A-Za-z-]+):\s*(.*)$/.exec(line)
    if (field !== null) {
      current = field[2] === '' ? [] : [field[2] ?? '']
      fields.set((field[1] ?? '').toLowerCase(), current)
    } else if (/^\s+\S/.test(line)) {
      current.push(line.trim())
    }
  }
  return fields
}

/** The modules of one block, the first profile's in its `-Initial` form; `end` becomes the jump over the rest. */
function primaryLines(profiles: readonly Profile[], kind: string): string {
  const modules = modulesOf(profiles, kind, 'Primary')
  if (modules.length === 0) return `${type(kind)}\t[default=1]\t\t\tpam_permit.so\n`
  return modules
    .map((module, index) => `${type(kind)}\t${module.replace(/=end\b/g, `=${modules.length - index}`)}\n`)
    .join('')
}

function additionalLines(profiles: readonly Profile[], kind: string): string {
  return modulesOf(profiles, kind, 'Additional')
    .map((module) => `${type(kind)}\t${module}\n`)
    .join('')
}

function modulesOf(profiles: readonly Profile[], kind: string, block: string): readonly string[] {
  const field = type(kind)
  const isInteractive = kind === 'session'
  const chosen = profiles.filter((profile) => {
    const onlyInteractive = profile.get('session-interactive-only')?.[0] === 'yes'
    return profile.get(`${field}-type`)?.[0] === block && (isInteractive || field !== 'session' || !onlyInteractive)
  })
  return chosen.flatMap(
    (profile, index) => (index === 0 ? profile.get(`${field}-initial`) : undefined) ?? profile.get(field) ?? [],
  )
}

function type(kind: string): string {
  return kind.startsWith('session') ? 'session' : kind
}
