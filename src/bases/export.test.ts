import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAllowList } from './allow-list.ts'
import { formatBuildPolicy } from './build-policy.ts'
import { formatKyvernoPolicy } from './kyverno-policy.ts'
import { regexpOfPattern } from './pattern-regexp.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`
const BASES = `bases:
  - { image: "registry.example.org/base/*:13*", until: 2027-03-31, reason: ours }
  - { image: docker.io/library/debian, digests: ["${DIGEST}"], reason: looked at }
`
const SIGNED = `${BASES}  - image: "registry.example.org/data/**"
    signer: { identity: release@example.org, issuer: "https://accounts.example.org" }
    reason: the data team's own
`

const patterns: [string, string, boolean, string][] = [
  ['registry.example.org/base/*', 'registry.example.org/base/python', true, 'a star is a part of a path'],
  ['registry.example.org/base/*', 'registry.example.org/base/a/b', false, 'and no more'],
  ['registry.example.org/**', 'registry.example.org/a/b', true, 'two stars are all'],
  ['registry.example.org/base', 'registryXexample.org/base', false, 'a dot is a dot'],
]
for (const [pattern, name, want, because] of patterns) {
  test(`${pattern} as a regular expression ${want ? 'takes' : 'leaves'} ${name}: ${because}`, () => {
    assert.equal(new RegExp(`^${regexpOfPattern(pattern)}$`).test(name), want)
  })
}

test('a build policy allows what the list allows, by its own fields, and denies everything else', () => {
  const policy = formatBuildPolicy(parseAllowList(BASES, 'allow.yaml'))
  assert.match(policy, /^package docker$/m)
  assert.match(policy, /^default allow := false$/m)
  assert.match(policy, /^allow if input\.http\.checksum != ""$/m)
  const [first = '', second = ''] = policy.split('\n# allow.yaml:').slice(1)
  assert.match(first, /regex\.match\(`\^registry\[\.\]example\[\.\]org\/base\/\[\^\/\]\*\$`, input\.image\.fullRepo\)/)
  assert.match(first, /regex\.match\(`\^13\[\^\/\]\*\$`, input\.image\.tag\)/)
  assert.match(first, /time\.now_ns\(\) < time\.parse_rfc3339_ns\("2027-03-31T00:00:00Z"\)/)
  assert.ok(second.includes(`input.image.checksum in ["${DIGEST}"]`))
})

test('what a build policy cannot say is refused by its line', () => {
  assert.throws(() => formatBuildPolicy(parseAllowList(SIGNED, 'allow.yaml')), {
    code: 'ALLOW_LIST_UNTRANSLATABLE',
    message: /^cannot write allow\.yaml:4 as a build policy: /,
  })
})

test('a policy for Kyverno denies what no entry matches, and verifies what has a signer', () => {
  const policy = JSON.parse(JSON.stringify(formatKyvernoPolicy(parseAllowList(SIGNED, 'allow.yaml'))))
  const [listed, signed] = policy.spec.rules
  const keys: string[] = listed.validate.foreach[0].deny.conditions.all.map(({ key }: { key: string }) => key)
  assert.equal(keys.length, 3)
  assert.match(keys[0] ?? '', /time_before\(time_now_utc\(\), '2027-03-31T00:00:00Z'\)/)
  const [, pattern = ''] = /regex_match\('([^']+)'/.exec(keys[1] ?? '') ?? []
  for (const name of ['debian', 'library/debian:13', 'docker.io/library/debian:13'])
    assert.match(name, new RegExp(pattern))
  assert.doesNotMatch('docker.io/other/debian', new RegExp(pattern))
  assert.deepEqual(signed.verifyImages[0].imageReferences, ['registry.example.org/data/*'])
  assert.deepEqual(signed.verifyImages[0].attestors[0].entries[0].keyless, {
    subject: 'release@example.org',
    issuer: 'https://accounts.example.org',
  })
})
