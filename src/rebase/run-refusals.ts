import type { ExecutionParameters, ImageFile } from '#oci'
import { resolveAccount, SandboxError } from '#sandbox'
import { ProgramCheck, type Want, wantRefusal } from './check-programs.ts'
import type { ImageTree } from './image-tree.ts'
import type { Sides } from './plan-rebase.ts'
import { REBUILD, type Refusal } from './refusal.ts'

/** What containers of the image run with, on the old base and on the new. */
export interface TwoSettings {
  readonly before: ExecutionParameters
  readonly after: ExecutionParameters
}

/**
 * What would not run any more: programs, scripts and links of the application, programs of the new base whose libraries the
 * application replaces, what the image starts, and who runs it. What was missing on the old base is a notice.
 */
export function runRefusals(sides: Sides, settings: TwoSettings): readonly Refusal[] {
  const before = new ProgramCheck(sides.before, environmentOf(settings.before))
  const after = new ProgramCheck(sides.after, environmentOf(settings.after))
  const lost: Refusal[] = []
  for (const { path } of [...sides.upper.files.entries()].sort(byPath)) {
    const now = wantsAt(after, sides.after, path)
    if (now.length === 0) continue
    const known = new Set(wantsAt(before, sides.before, path).map(keyOf))
    for (const want of now) {
      if (want.code === 'program-unreadable' || !known.has(keyOf(want))) lost.push(wantRefusal(want, 'application'))
      else sides.notices.push(`${path} wants ${want.what}, which it did not have before either`)
    }
  }
  return [
    ...lost,
    ...shadowed(sides, after, settings),
    ...startRefusals({ before, after }, settings),
    ...userRefusals(sides, settings),
  ]
}

function wantsAt(check: ProgramCheck, tree: ImageTree, path: string): readonly Want[] {
  const file = tree.files.get(path)
  return file === undefined ? [] : check.wants(file)
}

/** Programs of the new base that find a library of the application first. */
function shadowed(
  { next: { tree: next }, after: tree, upper }: Sides,
  after: ProgramCheck,
  settings: TwoSettings,
): readonly Refusal[] {
  const names = new Set(
    [...upper.files.entries()]
      .map(({ path }) => path.slice(path.lastIndexOf('/') + 1))
      .filter((name) => /\.so(?:\.|$)/.test(name)),
  )
  if (names.size === 0) return []
  const alone = new ProgramCheck(next, environmentOf(settings.after))
  return [...next.files.entries()].sort(byPath).flatMap((file) => {
    const own = tree.files.get(file.path)
    if (own === undefined || upper.files.get(file.path) !== undefined || !alone.needsAny(file, names)) return []
    const known = new Set(alone.wants(file).map(keyOf))
    return after
      .wants(own)
      .filter((want) => !known.has(keyOf(want)))
      .map((want) => wantRefusal(want, 'base'))
  })
}

function startRefusals(
  { before, after }: { readonly before: ProgramCheck; readonly after: ProgramCheck },
  settings: TwoSettings,
): readonly Refusal[] {
  const missing = (check: ProgramCheck, { Entrypoint = [], Cmd = [], WorkingDir }: ExecutionParameters) =>
    check.start([...Entrypoint, ...Cmd], WorkingDir || '/')
  if (missing(before, settings.before).length > 0) return []
  return missing(after, settings.after).map((want) => wantRefusal(want, 'application'))
}

/** Files of the application belong to numbers; a name may mean other ones in the new base. */
function userRefusals(sides: Sides, settings: TwoSettings): readonly Refusal[] {
  const [from, to] = [accountOf(sides.before, settings.before), accountOf(sides.after, settings.after)]
  if (from === to) return []
  const user = settings.after.User || 'root'
  return [
    {
      code: 'user-changed',
      subject: user,
      application: `ran as ${from}`,
      base: `would run as ${to}`,
      remedy: `${REBUILD}, or set the user by its numbers`,
    },
  ]
}

function accountOf(tree: ImageTree, { User = '' }: ExecutionParameters): string {
  try {
    const { uid, gid } = resolveAccount(User, { passwd: tree.text('/etc/passwd'), group: tree.text('/etc/group') })
    return `${uid}:${gid}`
  } catch (error) {
    if (error instanceof SandboxError) return 'nobody: there is no such account'
    throw error
  }
}

function environmentOf({ Env = [] }: ExecutionParameters): ReadonlyMap<string, string> {
  return new Map(
    Env.map((pair) => {
      const at = pair.indexOf('=')
      return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}

function byPath(left: ImageFile, right: ImageFile): number {
  return left.path < right.path ? -1 : 1
}

function keyOf({ code, what }: Want): string {
  return `${code} ${what}`
}
