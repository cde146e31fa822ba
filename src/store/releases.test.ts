import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { digestOf } from '#core'
import { contentsDigest, type HeldPackage, type NewRelease, releaseMessages } from '#factory'
import { TEST_SERVERS, testServers } from '#testkit'

const servers = testServers()

function held(name: string, version: string, source = name): HeldPackage {
  return { archive: 'debian-13', name, version, architecture: 'amd64', source: { name: source, version } }
}

function release(
  image: string,
  packages: readonly HeldPackage[],
  more: Partial<NewRelease> & { base?: readonly HeldPackage[] } = {},
): NewRelease {
  const { base, ...rest } = more
  const digest = digestOf(`${image} ${contentsDigest(packages)}`)
  const on = base === undefined ? {} : { base: contentsDigest(base) }
  return {
    ...{
      image,
      variant: 'runtime',
      digest,
      lock: digestOf(image),
      tags: ['1', 'latest'],
      evidence: { vex: digestOf('vex') },
    },
    manifests: [{ platform: 'linux/amd64', digest: digestOf(digest), packages, ...on }],
    released: '2026-11-21T12:00:00.000Z',
    ...rest,
  }
}

const base = [
  held('base-files', '13.8'),
  held('libssl3t64', '3.5.6-1', 'openssl'),
  held('openssl', '3.5.6-1'),
  held('zlib1g', '1:1.3-1', 'zlib'),
]
const fixed = [held('base-files', '13.8'), held('libssl3t64', '3.5.7-1', 'openssl'), held('zlib1g', '1:1.3-1', 'zlib')]
const openssl = { archive: 'debian-13', source: 'openssl', below: '3.5.7-1' }

for (const server of TEST_SERVERS) {
  test(`a fix concerns the images that hold its source package, on whichever layer, ${server}`, async (t) => {
    const { releases } = await servers.store(t, server)
    await releases.record([
      release('app', [...base, held('curl', '8.14-2')], { base }),
      release('app-on-app', [...base, held('curl', '8.14-2'), held('jq', '1.7-3')], {
        base: [...base, held('curl', '8.14-2')],
      }),
      release('base', base),
      release('without', [base[0]!, base[3]!], { base }),
      release('newer', fixed, { base }),
      release('other-archive', [{ ...held('openssl', '3.0.1-1'), archive: 'debian-12' }]),
    ])
    const affected = await releases.affected(openssl)
    const both = ['libssl3t64 3.5.6-1', 'openssl 3.5.6-1']
    const of = (image: string) => ({ image, variant: 'runtime', platform: 'linux/amd64', packages: both })
    assert.deepEqual(
      affected.toSorted((left, right) => (left.image < right.image ? -1 : 1)),
      ['app', 'app-on-app', 'base'].map(of),
    )
    const curl = await releases.affected({ archive: 'debian-13', source: 'curl', below: '8.15' })
    assert.deepEqual(curl.map(({ image }) => image).sort(), ['app', 'app-on-app'])
  })

  test(`what an image holds is read back whole, also where it is stored as a difference, ${server}`, async (t) => {
    const { releases } = await servers.store(t, server)
    const own = [...base.slice(1), held('curl', '8.14-2')]
    await releases.record([release('app', own, { base }), release('base', base), release('empty', [])])
    assert.deepEqual(
      await releases.packages(contentsDigest(own)),
      own.toSorted((left, right) => (left.name < right.name ? -1 : 1)),
    )
    assert.deepEqual(await releases.packages(contentsDigest([])), [])
    assert.equal(await releases.packages(contentsDigest(own.slice(1))), undefined)
  })

  test(`what changed from one release of an image to the next is told, platform by platform, ${server}`, async (t) => {
    const { releases } = await servers.store(t, server)
    const ids = [
      ...(await releases.record([release('app', [...base, held('curl', '8.14-2')], { base }), release('other', base)])),
      ...(await releases.record([release('app', [...fixed, held('curl', '8.14-2')])])),
      ...(await releases.record([release('app', base, { variant: 'dev' })])),
    ]
    const [first, other, second, dev] = await releases.differences(ids)
    assert.deepEqual([first?.before, other?.before, dev?.before], [undefined, undefined, undefined])
    assert.deepEqual([second?.release.id, second?.before?.id], [ids[2], ids[0]])
    const { gone = [], come = [] } = second?.manifests.get('linux/amd64') ?? {}
    const names = (packages: readonly HeldPackage[]) => packages.map(({ name, version }) => `${name} ${version}`).sort()
    assert.deepEqual(names(gone), ['libssl3t64 3.5.6-1', 'openssl 3.5.6-1'])
    assert.deepEqual(names(come), ['libssl3t64 3.5.7-1'])
    assert.equal(come[0]?.source.name, 'openssl')
    assert.deepEqual(await releases.differences([]), [])
    const [message] = releaseMessages([second!], () => ({ owner: 'team' }))
    assert.equal(message?.title, 'app 1 is published: 2 packages changed')
    assert.equal(message?.owner, 'team')
  })

  test(`a fixed release is no longer affected, and one that goes back is again, ${server}`, async (t) => {
    const { releases } = await servers.store(t, server)
    const [first] = await releases.record([release('app', base)])
    const [second] = await releases.record([release('app', fixed)])
    assert.deepEqual(await releases.affected(openssl), [])
    await releases.record([release('app', base, { restores: first! })])
    assert.equal((await releases.affected(openssl)).length, 1)
    const history = await releases.history('app', 'runtime', 10)
    assert.deepEqual(
      history.map(({ restores }) => restores),
      [first, undefined, undefined],
    )
    assert.equal(history[1]?.id, second)
    assert.deepEqual(await releases.latest('app', 'runtime'), history[0])
    const { manifests, ...rest } = release('app', base, { restores: first! })
    const [{ platform, digest } = { platform: '', digest: digestOf('') }] = manifests
    const stored = [{ platform, digest, contents: contentsDigest(base) }]
    assert.deepEqual(history[0], { ...rest, id: history[0]?.id, manifests: stored })
    assert.equal(await releases.latest('app', 'dev'), undefined)
  })

  test(`what overlays share is stored once, ${server}`, async (t) => {
    const { releases, database } = await servers.store(t, server)
    const overlay = (at: number) => [...base, held(`extra-${at}`, '1')]
    await releases.record([
      release('base', base),
      ...Array.from({ length: 20 }, (_, at) => release(`app-${at}`, overlay(at), { base })),
    ])
    await releases.record([release('again', overlay(3))])
    const [row] = await database.query(
      'count',
      `select (select count(*)::int from casemate.package_set) as sets, (select count(*)::int from casemate.package_set_with) as members,
        (select count(*)::int from casemate.package_set_member) as packages`,
    )
    assert.deepEqual(row, { sets: 21, members: 4 + 20, packages: 4 + 20 * 5 })
  })

  test(`two who record the same images at once both succeed, ${server}`, async (t) => {
    const { releases } = await servers.store(t, server)
    const all = Array.from({ length: 40 }, (_, at) =>
      release(`app-${at}`, [...base, held(`extra-${at % 7}`, '1')], { base }),
    )
    await releases.record([release('base', base)])
    await Promise.all([releases.record(all), releases.record(all.toReversed()), releases.record(all)])
    assert.equal((await releases.affected(openssl)).length, 41)
  })

  test(`an image on something that nobody knows is refused, ${server}`, async (t) => {
    const { releases } = await servers.store(t, server)
    await assert.rejects(releases.record([release('app', fixed, { base })]), {
      code: 'RECORD_REFUSED',
      message: /which it is built on/,
    })
    assert.equal(await releases.latest('app', 'runtime'), undefined)
  })

  test(`the database orders versions as dpkg does, ${server}`, async (t) => {
    const { releases } = await servers.store(t, server)
    const versions = [
      '1.0~rc1',
      '1.0',
      '1:0.9',
      '1.0-1+b1',
      '1.0-1~deb13u1',
      '1.0a',
      '1.0+dfsg-1',
      '1.00-1',
      '1.10',
      '1.9',
      '0',
    ]
    await releases.record(versions.map((version) => release(`at-${version}`, [held('thing', version)])))
    for (const below of versions) {
      const older = versions.filter((version) => {
        const script = `dpkg --compare-versions '${version}' lt '${below}' && echo older || true`
        return execFileSync('sh', ['-c', script], { encoding: 'utf8' }) !== ''
      })
      const affected = await releases.affected({ archive: 'debian-13', source: 'thing', below })
      assert.deepEqual(affected.map(({ image }) => image).sort(), older.map((version) => `at-${version}`).sort(), below)
    }
  })

  test(`a release that comes late, behind a higher number, takes nothing away, ${server}`, async (t) => {
    const { releases, database } = await servers.store(t, server)
    await releases.record([release('app', base)])
    // As when two transactions began in one order and end in the other.
    await database.query(
      'record late',
      `insert into casemate.release (id, image, variant, digest, lock, tags, evidence, released) overriding system value
       select -id, image, variant, digest, lock, tags, evidence, released from casemate.release`,
    )
    assert.equal((await releases.affected(openssl)).length, 1)
    await releases.record([release('app', fixed)])
    assert.deepEqual(await releases.affected(openssl), [])
  })
}
