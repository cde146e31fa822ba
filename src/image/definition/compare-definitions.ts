import { canonicalJson, type Json } from '#core'
import { formatRequest } from '#solver'
import type { EffectiveDefinition } from './definition.ts'
import { formatDefinedPath, putTheSame } from './merge-definitions.ts'

/** What a change of a definition is of, in the order in which changes are told. */
export const DEFINITION_PARTS = ['contract', 'program', 'packages', 'accounts', 'paths', 'tests', 'about'] as const

/** One thing in which two effective definitions differ, as text. */
export interface DefinitionChange {
  readonly part: (typeof DEFINITION_PARTS)[number]
  /** Which one: `environment LANG`, `/etc/motd`, a test's name. */
  readonly name: string
  /** `undefined` where the first does not have it. */
  readonly from: string | undefined
  readonly to: string | undefined
}

/**
 * Everything in which two effective definitions differ, their images' names aside, by part and then by name. What is taken in
 * from elsewhere differs by its digest, not by its place. Two definitions without changes make the same image of the same
 * packages, and test it alike.
 */
export function compareDefinitions(from: EffectiveDefinition, to: EffectiveDefinition): readonly DefinitionChange[] {
  const [left, right] = [entriesOf(from), entriesOf(to)]
  const changes: DefinitionChange[] = []
  for (const part of DEFINITION_PARTS) {
    const [before, after] = [new Map(left[part]), new Map(right[part])]
    for (const name of [...new Set([...before.keys(), ...after.keys()])].sort()) {
      if (part === 'paths' && isSamePath(name, from, to)) continue
      const [was, is] = [before.get(name), after.get(name)]
      if (was !== is) changes.push({ part, name, from: was, to: is })
    }
  }
  return changes
}

type Entries = Iterable<readonly [string, string]>

function entriesOf(definition: EffectiveDefinition): Readonly<Record<DefinitionChange['part'], Entries>> {
  const { contract, lifecycle, without, remove = {} } = definition
  return {
    contract: [
      ['run-as', contract.runAs],
      ['work-dir', contract.workDir],
      ['stop-signal', contract.stopSignal],
      ...list('ports', contract.ports),
      ...list('writable', contract.writable),
      ...list('volumes', contract.volumes),
    ],
    program: [
      ...list('entrypoint', definition.entrypoint),
      ...list('cmd', definition.cmd),
      ...named('environment', definition.environment),
      ...named('label', definition.labels),
      ...named('annotation', definition.annotations),
    ],
    packages: [
      ...list('archive', definition.archives),
      ...each('asked for', definition.packages.map(formatRequest)),
      ...named('without', without),
      ...named('remove', remove),
      ...each('keep', definition.keep),
      ...each('derived', definition.derived),
      ...each('locale', definition.locales),
      ['time-zone', definition.timeZone],
      ...optional('keystore', definition.keystore),
      ...each(
        'certificate',
        definition.certificates.map(({ name }) => name),
      ),
      ['layers', String(definition.layerBudget)],
    ],
    accounts: [
      ...definition.users.map(({ name, ...user }) => [`user ${name}`, json({ ...user })] as const),
      ...definition.groups.map(({ name, ...group }) => [`group ${name}`, json({ ...group })] as const),
    ],
    paths: definition.paths.map((entry) => [entry.path, formatDefinedPath(entry)] as const),
    tests: definition.tests.map(({ name, ...test }) => [name, json(test)] as const),
    about: [
      ['title', definition.title],
      ['description', definition.description],
      ...list('tags', definition.tags),
      ...optional('upstream-end', lifecycle.upstreamEnd),
      ...optional('archive-end', lifecycle.archiveEnd),
      ...(['owner', 'vendor', 'licenses', 'url', 'documentation', 'source'] as const).flatMap((key) =>
        optional(key, definition[key]),
      ),
      ...named('acknowledge', definition.acknowledge),
    ],
  }
}

function isSamePath(path: string, from: EffectiveDefinition, to: EffectiveDefinition): boolean {
  const [under, over] = [from, to].map(({ paths }) => paths.find((entry) => entry.path === path))
  return under !== undefined && over !== undefined && putTheSame(under, over)
}

function list(name: string, texts: readonly string[]): readonly (readonly [string, string])[] {
  return texts.length === 0 ? [] : [[name, json([...texts])]]
}

/** Members that are there or not; nothing is to be said of them beside that. */
function each(name: string, texts: readonly string[]): readonly (readonly [string, string])[] {
  return texts.map((text) => [`${name} ${text}`, 'yes'] as const)
}

function named(name: string, texts: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(texts).map(([key, text]) => [`${name} ${key}`, text] as const)
}

function optional(name: string, text: string | undefined): readonly (readonly [string, string])[] {
  return text === undefined ? [] : [[name, text]]
}

function json(value: Json): string {
  return canonicalJson(value)
}
