import { digestOf } from '#core'
import { contentsDigest, eventKey, type HeldPackage, type NewRelease } from '#factory'
import type { OpenStore } from '#store'

/** The numbers of what `fillFactory` records. */
export interface FilledFactory {
  readonly releases: Readonly<Record<string, number>>
  readonly plan: number
  readonly run: number
}

const at = '2026-11-21T12:00:00.000Z'
const later = '2026-11-21T12:00:40.000Z'

/** A package of `debian-13` for amd64 whose source has its name. */
export function heldPackage(name: string, version: string): HeldPackage {
  return { archive: 'debian-13', name, version, architecture: 'amd64', source: { name, version } }
}

/** A release of an image with some packages, whose digests follow from its name. */
export function releaseOf(image: string, packages: readonly HeldPackage[], tags = ['1.0', 'latest']): NewRelease {
  return {
    ...{ image, variant: 'runtime', tags, lock: digestOf(`${image} lock`), released: later },
    digest: digestOf(`${image} ${contentsDigest(packages)}`),
    manifests: [{ platform: 'linux/amd64', digest: digestOf(`${image} manifest`), packages }],
    evidence: { 'https://spdx.dev/Document': digestOf(`${image} sbom`) },
  }
}

/**
 * Records some history: `base`, `team-a/app` and `team-b/app` are released; a fix of openssl came, is planned for all, built for
 * `base`, and held or failed for the others.
 */
export async function fillFactory(store: OpenStore): Promise<FilledFactory> {
  const old = [heldPackage('openssl', '3.5.6-1'), heldPackage('libc6', '2.41-12')]
  const images = ['base', 'team-a/app', 'team-b/app']
  const ids = await store.releases.record(images.map((image) => releaseOf(image, old)))
  const subject = 'debian-13/trixie-security'
  const payload = { packages: [{ name: 'openssl', from: '3.5.6-1', to: '3.5.7-1' }] }
  const changed = {
    kind: 'archive-changed',
    subject,
    key: eventKey('archive-changed', subject, 'two'),
    payload,
    seen: at,
  } as const
  const asked = {
    kind: 'asked',
    subject: 'team-b/app',
    key: eventKey('asked', 'team-b/app', 'x'),
    payload: null,
    seen: at,
  } as const
  const [event] = await store.events.record([changed, asked])
  const reasons = [
    {
      event: event?.id ?? 0,
      advisories: ['CVE-2026-1000'],
      changes: [{ package: 'openssl', from: '3.5.6-1', to: '3.5.7-1' }],
    },
  ]
  const held = { by: 'policy', reason: 'release week of team a', until: '2026-12-01T00:00:00.000Z' } as const
  const plan = await store.plans.record({
    events: [event?.id ?? 0],
    images: [
      { image: 'base', after: [], reasons, held: undefined },
      { image: 'team-a/app', after: ['base'], reasons, held },
      { image: 'team-b/app', after: ['base'], reasons, held: undefined },
    ],
    made: at,
  })
  const run = await store.runs.start(plan, at)
  const stage = { run, attempt: 1, input: digestOf('in'), worker: 'laptop 1', at } as const
  await store.runs.record([
    { ...stage, image: 'base', stage: 'lock', state: 'started' },
    { ...stage, image: 'base', stage: 'lock', state: 'done', output: {} },
    { ...stage, image: 'base', stage: 'build', state: 'started' },
    { ...stage, image: 'team-b/app', stage: 'test', state: 'failed', reason: 'speaks TLS: exit status 1' },
  ])
  await store.work.end(run, [{ image: 'team-b/app', state: 'failed', reason: 'speaks TLS: exit status 1', at }])
  for (const image of images) {
    const mark = { finding: 'CVE-2026-1000 openssl', image }
    const other = { finding: 'CVE-2026-2000 libc6', image }
    await store.clocks.record([
      { ...mark, mark: 'disclosed', at: '2026-11-20T12:00:00.000Z' },
      { ...mark, mark: 'fix-available', at },
      { ...other, mark: 'disclosed', at },
    ])
  }
  const note = (kind: string, about: string, body: object) => ({ kind, subject: about, body: { ...body }, at })
  await store.ledger.append([
    note('event', subject, { kind: 'archive-changed', event: event?.id ?? 0 }),
    note('event', 'team-b/app', { kind: 'asked' }),
    ...images.map((image, index) => note('release', image, { release: ids[index] ?? 0 })),
  ])
  return { releases: Object.fromEntries(images.map((image, index) => [image, ids[index] ?? 0])), plan, run }
}
