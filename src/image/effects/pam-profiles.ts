import type { Effect, EffectContext } from './effect.ts'
import { readText, textFile } from './entry.ts'

const PROFILES = '/usr/share/pam-configs'
const TEMPLATES = '/usr/share/pam'
const STATE = '/var/lib/pam'
/** Where a parsed profile keeps the name of its file; no field is called so. */
const FILE = ''
const kinds = ['account', 'auth', 'password', 'session', 'session-noninteractive'] as const

/** What stands in a block without modules. */
const NULL_MODULE = '[default=1]\t\t\tpam_permit.so'

/** A field of a profile, by name in lower case; the lines of a many-lined field without their indent. */
type Profile = ReadonlyMap<string, readonly string[]>

/** /etc/pam.d/common-* as pam-auth-update(8) makes them from the profiles that are on by default. */
export const pamProfiles: Effect = {
  name: 'pam-profiles',
  summary: "Writes PAM's common files from the profiles that packages install.",
  apply(context) {
    const profiles = allProfiles(context)
    const defaults = profiles.filter((profile) => profile.get('default')?.[0] === 'yes')
    const files = kinds.flatMap((kind) => {
      const template = readText(context, `${TEMPLATES}/common-${kind}`)
      const path = `/etc/pam.d/common-${kind}`
      if (template === undefined || context.tree.get(path) !== undefined) return []
      const variable = kind.replace('-noninteractive', '_nonint')
      const text = template
        .replace(`$${variable}_primary\n`, primaryLines(defaults, kind))
        .replace(`$${variable}_additional\n`, additionalLines(defaults, kind))
      return [textFile(path, text), textFile(`${STATE}/${kind}`, stateOf(defaults, kind))]
    })
    if (files.length === 0) return []
    const seen = profiles.map((profile) => `${nameOf(profile)}\n`).join('')
    return [...files, textFile(`${STATE}/seen`, seen)]
  },
}

/** The profiles, highest priority first. */
function allProfiles(context: EffectContext): readonly Profile[] {
  const profiles = context.tree.list(PROFILES).map((name) => {
    return new Map([...parseProfile(readText(context, `${PROFILES}/${name}`) ?? ''), [FILE, [name]]])
  })
  const priority = (profile: Profile) => Number(profile.get('priority')?.[0] ?? '0')
  return profiles.sort((left, right) => priority(right) - priority(left))
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
  if (modules.length === 0) return `${type(kind)}\t${NULL_MODULE}\n`
  return modules
    .map((module, index) => `${type(kind)}\t${spaced(module).replace(/=end\b/g, `=${modules.length - index}`)}\n`)
    .join('')
}

function additionalLines(profiles: readonly Profile[], kind: string): string {
  return modulesOf(profiles, kind, 'Additional')
    .map((module) => `${type(kind)}\t${spaced(module)}\n`)
    .join('')
}

/** pam-auth-update leaves a blank where a module's options would stand; it compares whole lines later on. */
function spaced(module: string): string {
  return module.endsWith('.so') ? `${module} ` : module
}

function modulesOf(profiles: readonly Profile[], kind: string, block: string): readonly string[] {
  return chosenOf(profiles, kind, block).flatMap((profile, index) => linesOf(profile, kind, index === 0))
}

function chosenOf(profiles: readonly Profile[], kind: string, block: string): readonly Profile[] {
  return profiles.filter((profile) => {
    const onlyInteractive = profile.get('session-interactive-only')?.[0] === 'yes'
    return profile.get(`${type(kind)}-type`)?.[0] === block && !(onlyInteractive && kind === 'session-noninteractive')
  })
}

function linesOf(profile: Profile, kind: string, isFirst: boolean): readonly string[] {
  return (isFirst ? profile.get(`${type(kind)}-initial`) : undefined) ?? profile.get(type(kind)) ?? []
}

/** What pam-auth-update remembers of the modules it wrote, to tell them from an administrator's. */
function stateOf(profiles: readonly Profile[], kind: string): string {
  const blocks = ['Primary', 'Additional'].map((block) => ({ block, chosen: chosenOf(profiles, kind, block) }))
  const lines = blocks.flatMap(({ block, chosen }) => {
    if (chosen.length === 0 && block === 'Primary') return ['Module: null', NULL_MODULE]
    return chosen.flatMap((profile, index) => [`Module: ${nameOf(profile)}`, ...linesOf(profile, kind, index === 0)])
  })
  return `${lines.join('\n')}\n`
}

function nameOf(profile: Profile): string {
  return profile.get(FILE)?.[0] ?? ''
}

function type(kind: string): string {
  return kind.startsWith('session') ? 'session' : kind
}
