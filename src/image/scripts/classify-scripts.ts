import { type Digest, digestOf, hexOf } from '#core'
import { ImageError } from '../errors.ts'
import type { ScriptAction } from './action.ts'
import { type CallVerdict, judgeCall } from './call-verdict.ts'
import { reviewedScripts } from './reviewed-scripts.ts'
import type { ScriptFacts } from './script-facts.ts'
import { parseShell } from './shell-parser.ts'
import type { ShellCommand } from './shell-syntax.ts'
import { type ShellCall, walkScript } from './shell-walk.ts'

export type ScriptClass = 'covered' | 'needless' | 'open'

/** A part of a maintainer script: a top-level command, or all that one debhelper tool added. */
export interface ScriptFragment {
  readonly class: ScriptClass
  /** Effects when covered, reasons in plain words otherwise; several are joined with `; `. */
  readonly by: string
  readonly text: string
}

/** A maintainer script with what becomes of it in an image. */
export interface ClassifiedScript {
  readonly script: string
  readonly digest: Digest
  /** The worst of its fragments: open before covered before needless. */
  readonly class: ScriptClass
  readonly fragments: readonly ScriptFragment[]
  /** What effects shall do on its behalf. */
  readonly actions: readonly ScriptAction[]
}

/** A package with what becomes of its maintainer scripts. */
export interface ClassifiedPackage {
  readonly package: string
  readonly class: ScriptClass
  readonly scripts: readonly ClassifiedScript[]
  /** One sentence for each open fragment that the definition did not acknowledge. */
  readonly open: readonly string[]
}

/** How dpkg calls each script on a first installation (deb-preinst(5), deb-postinst(5)). */
const installationScripts = ['preinst', 'postinst'] as const

const needlessScripts: Readonly<Record<string, string>> = {
  config: 'asks debconf; images take the default answers',
  prerm: 'runs when a package is removed',
  postrm: 'runs when a package is removed',
}

/**
 * Classes every maintainer script of a package, in the order in which dpkg runs them. A script that was read by a person is
 * found by its SHA-256 in the table of reviewed scripts; any other is followed along a first installation without being
 * run. `acknowledged` holds the SHA-256 digests of scripts whose open parts the definition accepts with a reason.
 */
export function classifyScripts(
  facts: ScriptFacts,
  control: ReadonlyMap<string, Uint8Array>,
  acknowledged: ReadonlySet<Digest> = new Set(),
): ClassifiedPackage {
  const scripts: ClassifiedScript[] = []
  for (const script of ['config', ...installationScripts, 'prerm', 'postrm']) {
    const bytes = control.get(script)
    if (bytes === undefined) continue
    const because = needlessScripts[script]
    if (because === undefined) scripts.push(classifyScript(script, bytes, facts, triggerNames(control)))
    else scripts.push(wholeScript(script, bytes, { class: 'needless', by: because }))
  }
  const open = scripts
    .filter(({ digest }) => !acknowledged.has(digest))
    .flatMap(({ script, fragments }) =>
      fragments.filter((each) => each.class === 'open').map(({ by }) => `${script} of ${facts.package}: ${by}`),
    )
  return { package: facts.package, class: worst(scripts), scripts, open: [...new Set(open)] }
}

function classifyScript(
  script: string,
  bytes: Uint8Array,
  facts: ScriptFacts,
  triggers: readonly string[],
): ClassifiedScript {
  const text = new TextDecoder().decode(bytes)
  const reviewed = reviewedScripts.get(hexOf(digestOf(bytes)))
  if (!/^#! *\/(usr\/)?bin\/(sh|dash|bash)\b/.test(text)) {
    const by = `it is no shell script but starts "${text.split('\n')[0]?.slice(0, 40)}"`
    return wholeScript(script, bytes, reviewed ?? { class: 'open', by })
  }
  try {
    const read = followed(script, bytes, text, { facts, triggers })
    if (reviewed === undefined) return read
    return wholeScript(
      script,
      bytes,
      reviewed,
      read.actions.filter(({ kind }) => reviewed.keeps.includes(kind)),
    )
  } catch (error) {
    if (!(error instanceof ImageError) || error.code !== 'SCRIPT_UNREADABLE') throw error
    return wholeScript(script, bytes, reviewed ?? { class: 'open', by: error.message })
  }
}

/** Scripts are followed twice, for diversions and for the rest, and parsed once. */
const parsed = new WeakMap<Uint8Array, readonly ShellCommand[]>()

function followed(
  script: string,
  bytes: Uint8Array,
  text: string,
  { facts, triggers }: { facts: ScriptFacts; triggers: readonly string[] },
): ClassifiedScript {
  const commands = parsed.get(bytes) ?? parseShell(text)
  parsed.set(bytes, commands)
  const ways = script === 'preinst' ? [['install']] : [['configure', '']]
  if (script === 'postinst' && triggers.length > 0) ways.push(['triggered', triggers.join(' ')])
  const judged = ways.flatMap((way) =>
    walkScript(commands, way, facts).map((call) => ({ call, verdict: judgeCall(call, facts) })),
  )
  const fragments = fragmentsOf(text, commands).map((fragment) => judgeFragment(text, fragment, judged))
  const actions = judged.flatMap(({ verdict }) => verdict.actions)
  const grade = worst(judged.map(({ verdict }) => verdict))
  return { script, digest: digestOf(bytes), class: grade, fragments, actions: unique(actions) }
}

interface Span {
  readonly start: number
  readonly end: number
  /** The debhelper tool that added it. */
  readonly tool?: string
}

/** Top-level commands; those between debhelper's marks together, under the tool's name. */
function fragmentsOf(text: string, commands: readonly ShellCommand[]): readonly Span[] {
  const sections = sectionsOf(text)
  const outside = commands.filter(
    ({ start }) => !sections.some((section) => start >= section.start && start < section.end),
  )
  const spans: Span[] = outside.map(({ start, end }) => ({ start, end }))
  return [...spans, ...sections].sort((left, right) => left.start - right.start)
}

const SECTION_END = '\n# End automatically added section'

/** The parts that debhelper marked as its own. */
function sectionsOf(text: string): readonly Span[] {
  const sections: Span[] = []
  const opening = /^# Automatically added by ([^\s/]+)\S*$/gm
  for (let mark = opening.exec(text); mark !== null; mark = opening.exec(text)) {
    const at = text.indexOf(SECTION_END, mark.index)
    if (at === -1) break
    sections.push({ start: mark.index, end: at + SECTION_END.length, tool: mark[1] ?? '' })
    opening.lastIndex = at
  }
  return sections
}

function judgeFragment(
  text: string,
  { start, end, tool }: Span,
  judged: readonly { readonly call: ShellCall; readonly verdict: CallVerdict }[],
): ScriptFragment {
  const inside = judged.filter(({ call }) => call.start >= start && call.start < end).map(({ verdict }) => verdict)
  const grade = worst(inside)
  const reasons = new Set(inside.filter((verdict) => verdict.class === grade).map(({ by }) => by))
  const by = inside.length === 0 ? 'does nothing on a first installation' : [...reasons].join('; ')
  return { class: grade, by: tool === undefined ? by : `${tool}: ${by}`, text: text.slice(start, end).trim() }
}

function wholeScript(
  script: string,
  bytes: Uint8Array,
  verdict: { readonly class: ScriptClass; readonly by: string },
  actions: readonly ScriptAction[] = [],
): ClassifiedScript {
  const fragment = { class: verdict.class, by: verdict.by, text: new TextDecoder().decode(bytes) }
  return { script, digest: digestOf(bytes), class: verdict.class, fragments: [fragment], actions }
}

function worst(parts: readonly { readonly class: ScriptClass }[]): ScriptClass {
  const classes = new Set(parts.map((part) => part.class))
  return classes.has('open') ? 'open' : classes.has('covered') ? 'covered' : 'needless'
}

/** The triggers that a package's postinst is called for (deb-triggers(5)). */
function triggerNames(control: ReadonlyMap<string, Uint8Array>): readonly string[] {
  const text = new TextDecoder().decode(control.get('triggers') ?? new Uint8Array())
  return [...text.matchAll(/^\s*interest(?:-await|-noawait)?\s+(\S+)/gm)].map((match) => match[1] ?? '')
}

function unique(actions: readonly ScriptAction[]): readonly ScriptAction[] {
  const seen = new Set<string>()
  return actions.filter((action) => {
    const key = JSON.stringify(action)
    return !seen.has(key) && seen.add(key)
  })
}
