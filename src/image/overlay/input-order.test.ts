import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalJson } from '#core'
import { testEffectInput } from '#testkit'
import type { EffectiveDefinition } from '../definition/definition.ts'
import { parseDefinition } from '../definition/parse-definition.ts'
import { definitionDigest, type ResolvedDefinition, resolveDefinition } from '../definition/resolve-definition.ts'
import { definitionPaths } from '../definition-paths.ts'
import { accounts } from '../effects/accounts.ts'
import { applyEffects, type EffectsResult } from '../effects/apply-effects.ts'
import { ImageError } from '../errors.ts'
import { overlayPaths } from './overlay-paths.ts'
import { overlayChecks } from './result-conflicts.ts'
import { stackSides } from './stack-sides.ts'

const PAIRS = 2000

/** An overlay as a document: what it lists in any order, and what it says by name. */
type Document = Record<string, unknown>

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

class Dice {
  readonly #next: () => number

  constructor(seed: number) {
    this.#next = random(seed)
  }

  some<Member>(all: readonly Member[], share = 0.5): Member[] {
    return all.filter(() => this.#next() < share)
  }

  one<Member>(all: readonly [Member, ...Member[]]): Member {
    return all[Math.floor(this.#next() * all.length)] ?? all[0]
  }

  shuffled<Member>(all: readonly Member[]): Member[] {
    return all
      .map((member) => [this.#next(), member] as const)
      .sort(([left], [right]) => left - right)
      .map(([, member]) => member)
  }
}

const BASE = `image: ground
archive: test-1
packages: [greet, tool]
platforms: [linux/amd64]
accounts: { users: [{ name: web, uid: 1000 }], groups: [{ name: web, gid: 1000 }] }
environment: { PATH: "/usr/bin", A: "1" }
paths:
  - { path: /etc/motd, content: "hello" }
  - { path: /usr/bin/hi, symlink: greet }
  - { path: /data, type: directory }
entrypoint: [/usr/bin/greet]
contract: { ports: [8080], writable: [/data] }
variants: { dev: { packages: [shell], paths: [{ path: /etc/dev, content: dev }] } }
`

const TREE = {
  '/usr/bin/greet': { content: 'greet', mode: 0o755 },
  '/usr/bin/tool': { content: 'tool', mode: 0o755 },
  '/etc/greet.conf': 'hello',
  '/usr/share/greet/words': 'hello',
  '/usr/share/link': { link: 'greet' },
}

/** Each of these alone or with others is an overlay; some contradict the base, some do not. */
const USERS = ['web', 'app', 'job'].flatMap((name) => [1000, 2000, 33].map((uid) => ({ name, uid })))
const GROUPS = ['web', 'app'].flatMap((name) => [1000, 2000].map((gid) => ({ name, gid, members: ['root', 'web'] })))
const PLACES = [
  '/etc/motd',
  '/etc/new',
  '/etc/greet.conf',
  '/usr/bin/hi',
  '/data',
  '/data/x',
  '/etc/dev',
  '/usr/share/link/x',
]

function randomFragment(dice: Dice): Document {
  const paths = dice.some(PLACES, 0.15).map((path) => {
    const replace = dice.one([true, true, true, true, true, false])
    return dice.one<Document>([
      { path, content: dice.one(['hello', 'other']), replace },
      { path, symlink: 'greet', replace },
      { path, type: 'directory', replace },
      { path, type: 'absent', reason: 'not wanted' },
    ])
  })
  const once = <Member extends { readonly name: string }>(all: readonly Member[]) => [
    ...new Map(all.map((member) => [member.name, member])).values(),
  ]
  return {
    packages: dice.some(['shout', 'greet>=1', 'tool', 'words', 'shell/test'], 0.4),
    environment: Object.fromEntries(
      dice.some(['A', 'B', 'LANG'], 0.3).map((name) => [name, dice.one(['1', 'C.UTF-8'])]),
    ),
    paths,
    accounts: { users: once(dice.some(USERS, 0.05)), groups: once(dice.some(GROUPS, 0.06)) },
    labels: Object.fromEntries(dice.some(['a', 'b', 'c'], 0.3).map((name) => [name, 'x'])),
    locales: dice.some(['de_DE.UTF-8', 'fr_FR.UTF-8'], 0.05),
    contract: { writable: dice.some(['/data', '/tmp', '/var/x'], 0.3), ports: dice.some([8080, 9090, '53/udp'], 0.3) },
  }
}

function randomOverlay(dice: Dice): Document {
  const variant = dice.some(['dev'], 0.3).map((name) => [name, randomFragment(dice)] as const)
  return {
    ...randomFragment(dice),
    remove: Object.fromEntries(dice.some(['tool', 'words'], 0.15).map((name) => [name, 'not wanted'])),
    variants: Object.fromEntries(variant),
  }
}

/** The same in another order: of keys, and of lists in which order means nothing, which are all that are made here. */
function reordered(value: unknown, dice: Dice): unknown {
  if (Array.isArray(value)) return dice.shuffled(value.map((member) => reordered(member, dice)))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(dice.shuffled(Object.entries(value)).map(([key, member]) => [key, reordered(member, dice)]))
}

/** The same in two parts, of which one extends the other. */
function halved(value: unknown, dice: Dice): readonly [unknown, unknown] {
  if (Array.isArray(value)) {
    const first = new Set(dice.some(value))
    return [value.filter((member) => first.has(member)), value.filter((member) => !first.has(member))]
  }
  if (typeof value !== 'object' || value === null) return [value, value]
  const parts = Object.entries(value).map(([key, member]): [Document, Document] => {
    const isList = typeof member === 'object' && member !== null
    // A text cannot be in two parts: it goes to one of both.
    if (!isList) return dice.some([member]).length > 0 ? [{ [key]: member }, {}] : [{}, { [key]: member }]
    const [left, right] = halved(member, dice)
    return [{ [key]: left }, { [key]: right }]
  })
  return [Object.assign({}, ...parts.map(([left]) => left)), Object.assign({}, ...parts.map(([, right]) => right))]
}

const file = (name: string, text: string) => ({ file: name, definition: parseDefinition(text, name), files: new Map() })
const base = resolveDefinition([file('base.yaml', BASE)])

function stack(...parts: readonly unknown[]): ResolvedDefinition {
  const chain = parts.map((part, at) => {
    const head = at === 0 ? { image: 'over', from: 'ground' } : { image: 'over', extends: 'before' }
    return file(`${at}.yaml`, JSON.stringify({ ...head, ...(part as Document) }))
  })
  return resolveDefinition(chain, base)
}

/** What an overlay becomes: of each variant its digest and every path that it changes, or why it is none. */
function outcomeOf(...parts: readonly unknown[]): string {
  try {
    const resolved = stack(...parts)
    return canonicalJson(
      [...resolved.variants].map(([name, variant]) => [name, definitionDigest(variant), changesOf(variant, resolved)]),
    )
  } catch (error) {
    if (!(error instanceof ImageError)) throw error
    // Places differ, and so may the order of what is told.
    return error.message
      .replaceAll(/ \(\S+\)/g, '')
      .split('\n')
      .sort()
      .join('\n')
  }
}

/** The base's variants, each assembled once. Of effects only what depends on lists of a definition is applied. */
const assemblies = new Map<EffectiveDefinition, EffectsResult>()

function changesOf(overlay: EffectiveDefinition, { contents }: ResolvedDefinition): string[] {
  const below = overlay.base ?? assert.fail('an overlay has a base')
  const input = (definition: EffectiveDefinition) =>
    testEffectInput(TREE, ['greet'], { accounts: definition.users, groups: definition.groups })
  const assembly =
    assemblies.get(below) ?? applyEffects(input(below), [accounts, definitionPaths(below.paths, base.contents)])
  assemblies.set(below, assembly)
  const sides = stackSides({
    overlay,
    base: below,
    basePaths: below.paths,
    assembly,
    packages: [],
    basePackages: [],
    chain: [],
  })
  const { changes } = applyEffects(input(overlay), [
    accounts,
    overlayPaths(overlay.paths, contents, sides),
    overlayChecks(sides),
  ])
  return changes.map(
    ({ path, entry }) => `${path} ${canonicalJson(entry === undefined ? null : { ...entry, origin: null })}`,
  )
}

test(`${PAIRS} pairs of overlays that say the same in another order, or in two parts, become the same image`, () => {
  let images = 0
  for (let seed = 1; seed <= PAIRS; seed++) {
    const dice = new Dice(seed)
    const overlay = randomOverlay(dice)
    const outcome = outcomeOf(overlay)
    const why = () => `seed ${seed}: ${JSON.stringify(overlay)}`
    assert.equal(outcomeOf(reordered(overlay, dice)), outcome, why())
    const [left, right] = halved(overlay, dice)
    if (!outcome.startsWith('[')) continue
    images++
    assert.equal(outcomeOf(left, right), outcome, why())
    assert.equal(outcomeOf(right, left), outcome, why())
  }
  assert.ok(images > PAIRS / 3, `only ${images} of them are images`)
})
