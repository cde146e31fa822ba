import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeStore, importFile, makePart, openAdvisoryStore } from '#advisory'
import { digestOf } from '#core'
import type { ReleaseDifference } from '../ports.ts'
import { contentsDigest, type HeldPackage, type Release } from '../release.ts'
import type { Changelog } from './changelog.ts'
import { releaseMessages } from './release-messages.ts'
import { compareReleases, standingFindings } from './standing-findings.ts'

const at = '2026-11-22T12:00:00.000Z'
const tracker = {
  openssl: {
    'CVE-2026-1001': { releases: { trixie: { status: 'resolved', fixed_version: '3.5.2-1', urgency: 'high' } } },
    'CVE-2026-1002': { releases: { trixie: { status: 'open', urgency: 'unimportant' } } },
    'CVE-2026-1003': { releases: { trixie: { status: 'open', urgency: 'low' } } },
  },
  curl: { 'CVE-2026-1004': { releases: { trixie: { status: 'open', urgency: 'medium' } } } },
}

function findingsBy(export_: object) {
  const read = importFile(JSON.stringify(export_), { file: 'export.json' })
  const part = makePart([read], { names: ['export.json'], digest: 'sha256:0', changedAt: at, importedAt: at })
  const bytes = Buffer.concat(encodeStore([part]))
  const store = openAdvisoryStore({
    path: 'store',
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
  })
  return standingFindings(store, (archive) => (archive === 'debian-13' ? 'trixie' : undefined))
}

function held(name: string, version: string, source = name, archive = 'debian-13'): HeldPackage {
  return { archive, name, version, architecture: 'amd64', source: { name: source, version } }
}

function release(id: number, packages: readonly HeldPackage[]): Release {
  const digest = digestOf(`image ${id}`)
  return {
    ...{
      id,
      image: 'app',
      variant: 'runtime',
      digest,
      lock: digestOf('lock'),
      tags: ['1'],
      evidence: {},
      released: at,
    },
    manifests: [{ platform: 'linux/amd64', digest, contents: contentsDigest(packages) }],
  }
}

function difference(before: readonly HeldPackage[], after: readonly HeldPackage[]): ReleaseDifference {
  const key = ({ name, version }: HeldPackage) => `${name} ${version}`
  const without = (some: readonly HeldPackage[], others: readonly HeldPackage[]) =>
    some.filter((one) => !others.some((other) => key(other) === key(one)))
  const manifests = new Map([['linux/amd64', { gone: without(before, after), come: without(after, before) }]])
  return { release: release(2, after), before: release(1, before), manifests }
}

const [old, fixed] = [held('libssl3t64', '3.5.1-1', 'openssl'), held('libssl3t64', '3.5.2-1', 'openssl')]
const cases: [string, readonly HeldPackage[], readonly HeldPackage[], readonly string[], readonly string[]][] = [
  ['a fix closes what it fixes, and opens nothing that stays', [old], [fixed], ['CVE-2026-1001'], []],
  ['an older version opens it again', [fixed], [old], [], ['CVE-2026-1001']],
  ['a package that comes brings what it has', [old], [old, held('curl', '8.14-2')], [], ['CVE-2026-1004']],
  ['a package that goes takes it along', [old, held('curl', '8.14-2')], [old], ['CVE-2026-1004'], []],
  ['one more package of a source that is there brings nothing', [old], [old, held('openssl', '3.5.1-1')], [], []],
  ['one fewer package of a source that stays closes nothing', [old, held('openssl', '3.5.1-1')], [old], [], []],
  ['of an archive that is of no release nothing is known', [held('curl', '1', 'curl', 'own')], [], [], []],
]
for (const [name, before, after, closed, opened] of cases) {
  test(name, async () => {
    const found = difference(before, after)
    const packages = new Map([before, after].map((one) => [contentsDigest(one), one]))
    const findings = await compareReleases(found, findingsBy(tracker), async (contents) => packages.get(contents) ?? [])
    const [message] = releaseMessages([found], () => ({ findings }))
    const { changelog } = message!.body as { changelog: Changelog }
    assert.deepEqual(
      [changelog.findings?.closed, changelog.findings?.opened].map((list) => list?.map(({ id }) => id)),
      [closed, opened],
    )
  })
}

test('a first release is compared with nothing', async () => {
  const { before: _, ...first } = difference([], [old])
  assert.equal(await compareReleases({ ...first, before: undefined }, findingsBy(tracker), async () => []), undefined)
})
