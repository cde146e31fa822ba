import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { digestOf } from '#core'
import { parseStanzas } from '#debian'
import { parseFactorySettings } from '../settings/factory-settings.ts'
import type { ChangedPackage } from '../watching/suite-change.ts'
import { Fleet, type FleetImage } from './fleet.ts'
import { SeenOffers } from './offers.ts'
import { planRebuilds } from './plan-rebuilds.ts'

const ARCHITECTURES = ['amd64', 'arm64']
const noon = '2026-11-22T12:00:00.000Z'

/** The same numbers in the same order, from a seed. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

interface Stanza {
  readonly name: string
  readonly version: string
  readonly source: string
}

const VERSIONS = ['1.0-1', '1.0-1+b1', '1.0-1+deb13u1', '1.0-2', '1:0.9-1', '1.0~rc1-1', '1.10-1', '1.9-1']

function packagesText(stanzas: readonly Stanza[], architecture: string): string {
  return stanzas
    .map(({ name, version, source }) => {
      return `Package: ${name}\nSource: ${source} (1)\nVersion: ${version}\nArchitecture: ${architecture}\n`
    })
    .join('\n')
}

/** What is newer by the texts of two Packages files alone: nothing of the planner is used but what was told to it. */
function newerIn(text: string): ReadonlyMap<string, string> {
  const stanzas = parseStanzas(text, 'Packages')
  return new Map(stanzas.map((one) => [`${one.get('package')} ${one.get('architecture')}`, one.get('version') ?? '']))
}

/** Which of pairs of versions rise, by dpkg's own word. */
function dpkgRises(pairs: ReadonlySet<string>): ReadonlySet<string> {
  const all = [...pairs]
  const script = 'for pair; do dpkg --compare-versions "${pair% *}" lt "${pair#* }" && echo "$pair"; done; true'
  const { stdout } = spawnSync('sh', ['-c', script, 'sh', ...all], { encoding: 'utf8' })
  return new Set(stdout.trim().split('\n'))
}

test('the images of a random fleet that are rebuilt are those that Packages files and dpkg say hold something older', () => {
  const random = numbersFrom(20_261_122)
  const pick = <Value>(list: readonly Value[]): Value => list[random(list.length)] ?? assert.fail('an empty list')
  const names = Array.from({ length: 120 }, (_, at) => `package-${at}`)
  for (let round = 0; round < 20; round++) {
    const before = new Map(ARCHITECTURES.map((architecture) => [architecture, names.map((name) => stanzaOf(name))]))
    const contents = (own: readonly string[]) =>
      new Map(
        ARCHITECTURES.map((architecture) => {
          const offered = before.get(architecture) ?? []
          const packages = offered
            .filter(({ name }) => own.includes(name))
            .map(({ name, version, source }) => {
              return { archive: 'debian-13', name, version, architecture, source: { name: source, version: '1' } }
            })
          return [`linux/${architecture}`, packages] as const
        }),
      )
    const images = Array.from({ length: 40 }, (_, at): FleetImage => {
      const own = Array.from({ length: 4 }, () => pick(names))
      return { image: `image-${at}`, parent: undefined, requests: [], contents: contents(own), released: undefined }
    })
    const after = new Map(
      [...before].map(([architecture, stanzas]) => {
        return [architecture, stanzas.map((one) => (random(8) === 0 ? { ...one, version: pick(VERSIONS) } : one))]
      }),
    )
    const texts = [...after].map(([architecture, stanzas]) => packagesText(stanzas, architecture))
    const wanted = expected(images, texts)
    assert.ok(wanted.length > 0)
    assert.deepEqual(rebuilt(images, { before, after }), wanted, `round ${round}`)
  }
  function stanzaOf(name: string): Stanza {
    return { name, version: pick(VERSIONS), source: `source-${name.slice(0, 9)}` }
  }
})

function rebuilt(
  images: readonly FleetImage[],
  { before, after }: Record<'before' | 'after', ReadonlyMap<string, readonly Stanza[]>>,
): readonly string[] {
  const packages = [...after].flatMap(([architecture, stanzas]) =>
    stanzas.flatMap(({ name, version, source }, at): ChangedPackage[] => {
      const from = before.get(architecture)?.[at]?.version
      if (from === version || from === undefined) return []
      return [{ name, architectures: [architecture], from, to: version, source: { name: source, version: '2' } }]
    }),
  )
  const to = { date: noon, digest: digestOf('after') }
  const offers = new SeenOffers(() => ({ isSecurity: true, priority: 500 }))
  offers.add({ archive: 'debian-13', suite: 'trixie-security', to, packages }, { event: 1, seen: noon })
  const { plan } = planRebuilds({
    ...{
      events: [],
      offers,
      closes: () => [],
      holds: [],
      alarms: new Map(),
      approvals: new Map(),
      waiting: new Map(),
      underway: new Map(),
      failed: new Map(),
    },
    fleet: new Fleet(images),
    policy: parseFactorySettings('', 'factory.yaml').policy,
    now: noon,
  })
  return plan.images
    .flatMap(({ image, reasons }) =>
      reasons.flatMap(({ changes }) =>
        changes.map((change) => `${image} ${change.package} ${change.from} ${change.to}`),
      ),
    )
    .sort()
}

function expected(images: readonly FleetImage[], texts: readonly string[]): readonly string[] {
  const offered = new Map(texts.flatMap((text) => [...newerIn(text)]))
  const held = images.flatMap(({ image, contents }) =>
    [...contents.values()].flatMap((packages) =>
      packages.map(({ name, architecture, version }) => {
        return { line: `${image} ${name}`, pair: `${version} ${offered.get(`${name} ${architecture}`)}` }
      }),
    ),
  )
  const rises = dpkgRises(new Set(held.map(({ pair }) => pair)))
  return [...new Set(held.filter(({ pair }) => rises.has(pair)).map(({ line, pair }) => `${line} ${pair}`))].sort()
}
