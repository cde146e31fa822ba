import { parseBinaryPackage, parseStanza } from '#debian'
import type { EffectInput, InstalledPackage } from '#image'
import { type TestPath, testTree } from './tree.ts'

/** A package of that name, with control files given as text. */
export function testPackage(name: string, control: Readonly<Record<string, string>> = {}): InstalledPackage {
  const stanza = parseStanza(`Package: ${name}\nVersion: 1\nArchitecture: amd64\n`, name)
  const files = Object.entries(control).map(([file, text]) => [file, new TextEncoder().encode(text)] as const)
  return { package: parseBinaryPackage(stanza), control: new Map(files) }
}

/** What effects are applied to: a small tree, packages by name or in full, and the defaults of an image of Debian 13. */
export function testEffectInput(
  paths: Readonly<Record<string, TestPath>>,
  packages: readonly (string | InstalledPackage)[] = [],
  more: Partial<EffectInput> = {},
): EffectInput {
  return {
    ...testTree(paths),
    packages: packages.map((each) => (typeof each === 'string' ? testPackage(each) : each)),
    architecture: 'amd64',
    release: { version: '13', codename: 'trixie' },
    accounts: [],
    groups: [],
    timeZone: 'Etc/UTC',
    certificates: [],
    epoch: 1_760_000_000,
    ...more,
  }
}
