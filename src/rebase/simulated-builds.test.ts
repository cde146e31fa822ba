import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TarItem } from '#testkit'
import { planRebase } from './plan-rebase.ts'
import { listedImage, rebasedTree, treeOf } from './sample-images.test.ts'

/** A file, link or directory of a simulated system. */
interface Node {
  readonly type: 'file' | 'symlink' | 'directory'
  readonly content: string
  readonly uid: number
}

type System = ReadonlyMap<string, Node>

/** How a build ends where an instruction has nothing to do: what leaves no trace in a layer, nobody can hold against a base. */
class BuildFailed extends Error {}

/** An instruction of a Dockerfile, as a function of the system that it runs in. Throws `BuildFailed`. */
type Step = (system: Map<string, Node>) => void

/** Numbers that are the same in every run (a linear congruential generator). */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return (state >> 8) % below
  }
}

const NAMES = ['a', 'b', 'c']

function somePath(pick: (below: number) => number, depth = 1 + pick(3)): string {
  return `/base${Array.from({ length: depth }, () => `/${NAMES[pick(3)]}`).join('')}`
}

function makeParents(system: Map<string, Node>, path: string): void {
  for (let end = path.indexOf('/', 1); end > 0; end = path.indexOf('/', end + 1)) {
    const above = path.slice(0, end)
    const known = system.get(above)
    if (known !== undefined && known.type !== 'directory') throw new BuildFailed()
    if (known === undefined) system.set(above, { type: 'directory', content: '', uid: 0 })
  }
}

const below = (system: System, path: string) => [...system.keys()].filter((one) => one.startsWith(`${path}/`))

function remove(system: Map<string, Node>, path: string): void {
  for (const one of [path, ...below(system, path)]) system.delete(one)
}

function write(path: string, content: string): Step {
  return (system) => {
    if (system.get(path)?.type === 'directory') throw new BuildFailed()
    makeParents(system, path)
    system.set(path, { type: 'file', content, uid: system.get(path)?.uid ?? 0 })
  }
}

const STEPS: readonly ((pick: (below: number) => number) => Step)[] = [
  (pick) => write(somePath(pick), `own ${pick(2)}`),
  (pick) => write(`/app/${NAMES[pick(3)]}`, 'own'),
  (pick) => {
    const path = somePath(pick)
    return (system) => {
      if (!system.has(path)) throw new BuildFailed()
      remove(system, path)
    }
  },
  (pick) => {
    const folder = somePath(pick, 1 + pick(2))
    return (system) => {
      if (below(system, folder).length === 0) throw new BuildFailed()
      for (const one of below(system, folder)) remove(system, one)
    }
  },
  (pick) => {
    const from = somePath(pick)
    return (system) => {
      const moved = [from, ...below(system, from)].flatMap((one) => {
        const node = system.get(one)
        return node === undefined ? [] : [[`/moved${one.slice(from.length)}`, node] as const]
      })
      if (moved.length === 0 || system.has('/moved')) throw new BuildFailed()
      remove(system, from)
      for (const [path, node] of moved) system.set(path, node)
    }
  },
  (pick) => {
    const folder = somePath(pick, 1 + pick(2))
    return (system) => {
      for (const one of [folder, ...below(system, folder)]) {
        const node = system.get(one)
        if (node === undefined || node.uid === 7) throw new BuildFailed()
        system.set(one, { ...node, uid: 7 })
      }
    }
  },
  (pick) => {
    const path = somePath(pick)
    return (system) => {
      makeParents(system, path)
      remove(system, path)
      system.set(path, { type: 'symlink', content: '/elsewhere', uid: 0 })
    }
  },
]

/** `undefined` where the build fails. */
function run(system: System, steps: readonly Step[]): System | undefined {
  const changed = new Map(system)
  try {
    for (const step of steps) step(changed)
    return changed
  } catch (error) {
    if (error instanceof BuildFailed) return undefined
    throw error
  }
}

/** Runs one after the other as many as do not fail. */
function runAll(system: System, steps: readonly Step[]): System {
  return steps.reduce<System>((sofar, step) => run(sofar, [step]) ?? sofar, system)
}

const isSame = (left: Node | undefined, right: Node | undefined) => JSON.stringify(left) === JSON.stringify(right)

/** The layer that a builder makes of a step's outcome: what changed with the directories above it, and whiteouts of the topmost gone. */
function layerOf(before: System, after: System): TarItem[] {
  const shown = new Set<string>()
  for (const [path, node] of after) {
    if (isSame(before.get(path), node)) continue
    for (let one = path; one !== ''; one = one.slice(0, one.lastIndexOf('/'))) shown.add(one)
  }
  const gone = [...before.keys()].filter((path) => {
    const above = path.slice(0, path.lastIndexOf('/'))
    return (
      !after.has(path) && (above === '' || after.get(above)?.type === 'directory') && before.get(above)?.type !== 'file'
    )
  })
  const whiteouts = gone.map((path) => path.replace(/^\/(.*\/)?([^/]+)$/, '$1.wh.$2'))
  return [
    ...[...shown].sort().map((path) => item(path, after.get(path))),
    ...whiteouts.sort().map((path) => ({ path, content: '' })),
  ]
}

function item(path: string, node: Node = { type: 'directory', content: '', uid: 0 }): TarItem {
  const { type, content, uid } = node
  const name = type === 'directory' ? `${path.slice(1)}/` : path.slice(1)
  if (type === 'symlink') return { path: name, type, linkPath: content, mode: 0o777, uid }
  return { path: name, type, uid, ...(type === 'file' ? { content } : {}) }
}

function someBase(pick: (below: number) => number): System {
  return runAll(
    new Map(),
    Array.from({ length: 8 }, () => write(somePath(pick), `base ${pick(3)}`)),
  )
}

/** What a newer build of a base changes: a few files, owners, things that come and go. */
function nextBase(pick: (below: number) => number, base: System): System {
  const changes = [
    () => write(somePath(pick), `newer ${pick(2)}`),
    () => STEPS[2]?.(pick),
    () => STEPS[5]?.(pick),
    () => write('/other', `${pick(9)}`),
  ]
  return runAll(
    base,
    Array.from({ length: 2 + pick(3) }, () => changes[pick(4)]?.() ?? write('/other', '')),
  )
}

test('of 600 random builds none is rebased but to what the same build gives on the new base', async () => {
  const outcomes = { failed: 0, possible: 0, refused: 0 }
  for (let seed = 1; seed <= 600; seed++) {
    const pick = numbers(seed * 7919)
    const old = someBase(pick)
    const next = nextBase(pick, old)
    const steps = Array.from({ length: 1 + pick(3) }, () => STEPS[pick(STEPS.length)]?.(pick) ?? (() => undefined))
    const [made, anew] = [run(old, steps), run(next, steps)]
    if (made === undefined || anew === undefined) {
      outcomes.failed++
      continue
    }
    const layers = { old: layerOf(new Map(), old), next: layerOf(new Map(), next), own: layerOf(old, made) }
    const request = {
      application: await listedImage('app', { layers: [layers.old, layers.own] }),
      old: await listedImage('old', { layers: [layers.old] }),
      next: await listedImage('new', { layers: [layers.next] }),
      allowOlder: true,
    }
    const { kind } = planRebase(request)
    outcomes[kind]++
    if (kind === 'refused') continue
    const rebuilt = await listedImage('rebuilt', { layers: [layerOf(new Map(), anew)] })
    assert.deepEqual((await rebasedTree(request)).tree, treeOf(rebuilt.facts.tree), `seed ${seed}`)
  }
  assert.ok(outcomes.possible > 60 && outcomes.refused > 30, JSON.stringify(outcomes))
})
