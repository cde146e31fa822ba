import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalJson, digestOf } from '#core'
import type { Contract } from '#sandbox'
import type { HeldPackage } from '../release.ts'
import { changelogOf, type ReleasedFinding, type ReleasedImage } from './changelog.ts'
import { formatChangelog } from './changelog-markdown.ts'

const at = '2026-11-22T12:00:00.000Z'

function held(name: string, version: string, architecture = 'amd64', source = name): HeldPackage {
  return { archive: 'debian-13', name, version, architecture, source: { name: source, version } }
}

const contract: Contract = {
  schema: 'casemate.contract/v1',
  user: { name: 'nonroot', uid: 65532, gid: 65532 },
  entrypoint: ['/usr/bin/python3.13'],
  cmd: [],
  ports: [],
  writable: ['/tmp'],
  'stop-signal': 'SIGTERM',
  environment: { LANG: 'C.UTF-8' },
  'work-dir': '/app',
}

function released(name: string, packages: readonly HeldPackage[], more: Partial<ReleasedImage> = {}): ReleasedImage {
  return {
    image: 'python',
    variant: 'runtime',
    digest: digestOf(name),
    tags: ['3.13'],
    released: at,
    manifests: [{ platform: 'linux/amd64', packages }],
    findings: [],
    contract,
    ...more,
  }
}

const finding = (id: string, severity: ReleasedFinding['severity'] = 'high'): ReleasedFinding => ({
  id,
  package: 'openssl',
  severity,
})
const older = released(
  'older',
  [held('libssl3t64', '3.5.1-1', 'amd64', 'openssl'), held('zlib1g', '1.3'), held('gone', '1')],
  {
    findings: [finding('CVE-2026-1000', 'low'), finding('CVE-2026-2000', 'critical'), finding('CVE-2026-3000')],
  },
)
const newer = released(
  'newer',
  [held('libssl3t64', '3.5.1-2', 'amd64', 'openssl'), held('zlib1g', '1.2'), held('new', '2')],
  {
    findings: [finding('CVE-2026-3000'), finding('CVE-2026-4000', 'unknown')],
    contract: { ...contract, ports: ['8080/tcp'], 'work-dir': '/srv' },
  },
)

test('a changelog says which packages changed, which findings are closed and opened, and what the contract breaks', () => {
  const { packages, findings, contract: changed } = changelogOf(older, newer)
  assert.deepEqual(packages, [
    { package: 'gone', source: 'gone', from: '1' },
    { package: 'libssl3t64', source: 'openssl', from: '3.5.1-1', to: '3.5.1-2' },
    { package: 'new', source: 'new', to: '2' },
    { package: 'zlib1g', source: 'zlib1g', from: '1.3', to: '1.2' },
  ])
  assert.deepEqual(
    findings?.closed.map(({ id }) => id),
    ['CVE-2026-2000', 'CVE-2026-1000'],
    'worst first',
  )
  assert.deepEqual(
    findings?.opened?.map(({ id }) => id),
    ['CVE-2026-4000'],
  )
  assert.deepEqual(changed?.map(({ promise, breaks }) => [promise, breaks]).sort(), [
    ['ports', false],
    ['work-dir', true],
  ])
  canonicalJson(changelogOf(older, newer))
})

test('a changelog is one page of Markdown', () => {
  assert.equal(
    formatChangelog(changelogOf(older, newer)),
    `## python \`3.13\`

2026-11-22, \`${digestOf('newer')}\`, after \`${digestOf('older')}\`

**Breaks the contract:**

- work-dir: \`/app\` → \`/srv\`

Closes 2: CVE-2026-2000 (openssl, critical), CVE-2026-1000 (openssl, low).
Opens 1: CVE-2026-4000 (openssl, unknown).

| package | from | to |
| --- | --- | --- |
| gone | 1 | removed |
| libssl3t64 | 3.5.1-1 | 3.5.1-2 |
| new | new | 2 |
| zlib1g | 1.3 | 1.2 (older) |

New in the contract:

- ports: none → \`8080/tcp\`
`,
  )
})

test('what changed on some platforms only says on which, and a platform that is new changes nothing', () => {
  const on = (amd64: string, arm64?: string): ReleasedImage =>
    released(`${amd64} ${arm64}`, [], {
      manifests: [
        { platform: 'linux/amd64', packages: [held('curl', amd64)] },
        ...(arm64 === undefined ? [] : [{ platform: 'linux/arm64', packages: [held('curl', arm64, 'arm64')] }]),
      ],
    })
  assert.deepEqual(changelogOf(on('1', '1'), on('2', '2')).packages, [
    { package: 'curl', source: 'curl', from: '1', to: '2' },
  ])
  assert.deepEqual(changelogOf(on('1', '1'), on('2', '1')).packages[0]?.platforms, ['linux/amd64'])
  assert.deepEqual(changelogOf(on('1'), on('1', '2')).packages, [])
})

test('an image with a package in two architectures tells them apart', () => {
  const both = (amd64: string, i386: string) => released(amd64, [held('libc6', amd64), held('libc6', i386, 'i386')])
  assert.deepEqual(changelogOf(both('1', '1'), both('1', '2')).packages, [
    { package: 'libc6', source: 'libc6', from: '1', to: '2' },
  ])
})

test('findings that nobody has looked for are not known, which is not the same as none', () => {
  const unknown = changelogOf({ ...older, findings: undefined }, newer)
  assert.equal(unknown.findings, undefined)
  assert.match(formatChangelog(unknown), /What findings it closes and opens is not known\./)
  const same = changelogOf(older, { ...older, digest: digestOf('other') })
  assert.match(formatChangelog(same), /No package changed\./)
})

test('where findings are not known, what a release was made for is what it closes', () => {
  const unknown = { findings: undefined, contract: undefined }
  const made = changelogOf({ ...older, ...unknown }, { ...newer, ...unknown }, [
    finding('CVE-2', 'low'),
    finding('CVE-1', 'critical'),
  ])
  assert.deepEqual(made.findings, { closed: [finding('CVE-1', 'critical'), finding('CVE-2', 'low')] })
  assert.equal(made.contract, undefined)
  assert.match(formatChangelog(made), /Closes 2: CVE-1 .*\nWhat it opens is not known\./)
})

test('the first release says so, and lists nothing', () => {
  const first = changelogOf(undefined, newer)
  assert.deepEqual([first.from, first.packages, first.findings, first.contract], [undefined, [], undefined, undefined])
  assert.match(formatChangelog(first), /The first release\.\n$/)
})

test('texts of images are shown as they are, and are no Markdown, no HTML and nothing for a terminal', () => {
  const hostile = released('hostile', [held('pkg', '1|<img>**x**')], {
    findings: [{ id: '[CVE](javascript:1)', package: 'a\u001b[2J\n# head', severity: 'low' }],
    contract: { ...contract, environment: { LANG: 'C.UTF-8', 'X`Y': 'a`b\u202e' } },
  })
  const text = formatChangelog(changelogOf(released('before', [], { findings: [] }), hostile))
  assert.match(text, /\| pkg \| new \| 1\\\|\\<img\\>\\\*\\\*x\\\*\\\* \|/)
  assert.ok(text.includes('\\[CVE\\]\\(javascript:1\\)'))
  assert.ok(!text.includes('\u001b') && !text.includes('\u202e'))
  assert.ok(!text.includes('\n# head'))
  assert.ok(text.includes("`a'b"))
})
