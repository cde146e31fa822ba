import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAllowList } from './allow-list.ts'
import { judgeBase, parseBaseName } from './judge-base.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`
const OTHER = `sha256:${'b'.repeat(64)}`
const LIST = parseAllowList(
  `bases:
  - { image: "registry.example.org/base/*", reason: ours }
  - { image: "registry.example.org/old/**:1.*", until: 2026-11-21, reason: until the move }
  - { image: docker.io/library/debian, digests: ["${DIGEST}"], reason: looked at }
  - { image: "localhost:5000/*:13-*", reason: at home }
`,
  'allow.yaml',
)

const rows: [string, RegExp | undefined, string][] = [
  ['registry.example.org/base/python:3.13', undefined, 'any tag of a pattern without'],
  [`registry.example.org/base/python@${DIGEST}`, undefined, 'any digest'],
  ['registry.example.org/base/team/python', /is not on the allow-list/, 'a star is one part of a path'],
  ['registry.example.org/based/python', /is not on the allow-list/, 'the whole name counts'],
  ['registry.example.org/old/a/b:1.2', /allow\.yaml:3: it was until 2026-11-21/, 'its day has come'],
  [`debian:13@${DIGEST}`, undefined, "Docker Hub's own by its short name"],
  [`debian:13@${OTHER}`, /is none of its digests/, 'another digest'],
  ['debian:13', /only some digests are, and none is named/, 'a tag is no digest'],
  ['localhost:5000/app:13-slim', undefined, 'a port is no tag'],
  ['localhost:5000/app', /app:latest is not allowed: .*only the tags 13-\* are/, 'no tag is latest'],
  [`localhost:5000/app@${DIGEST}`, /only the tags 13-\* are, and none is named/, 'a digest says no tag'],
]
for (const [text, reason, because] of rows) {
  test(`${text.slice(0, 50)} is ${reason === undefined ? '' : 'not '}allowed: ${because}`, () => {
    const name = parseBaseName(text)
    assert.ok(name !== undefined)
    const verdict = judgeBase(LIST, name, '2026-11-21')
    assert.equal(verdict.kind, reason === undefined ? 'allowed' : 'refused')
    if (verdict.kind === 'refused' && reason !== undefined) assert.match(verdict.reason, reason)
  })
}

test('what is no reference has no name', () => {
  for (const text of ['', 'a b', 'UPPER/case', '../x', 'a:', '$BASE', `a@sha256:${'a'.repeat(63)}`, 'x'.repeat(2000)]) {
    assert.equal(parseBaseName(text), undefined, text.slice(0, 20))
  }
})

const wrong: [string, RegExp][] = [
  ['bases: []', /a:1:8: .*want a list of bases/],
  ['bases:\n  - { image: r.example.org/x }', /a:2:5: .*`reason` is missing/],
  ['bases:\n  - { image: "registry only", reason: x }', /want a pattern REGISTRY\/REPOSITORY/],
  ['bases:\n  - { image: debian, reason: x }', /want a pattern REGISTRY\/REPOSITORY/],
  ['bases:\n  - { image: r.example.org/x, reason: x, until: 2026-02-31 }', /want a day that exists/],
  ['bases:\n  - { image: r.example.org/x, reason: x, signer: { identity: a } }', /want a key, or an identity with/],
  ['bases:\n  - { image: r.example.org/x, reason: x, digest: y }', /unknown key `digest`: did you mean `digests`/],
]
for (const [text, message] of wrong) {
  test(`an allow-list that is wrong is refused by its line: ${text.slice(7, 60).trim()}`, () => {
    assert.throws(() => parseAllowList(text, 'a'), { code: 'ALLOW_LIST_INVALID', message })
  })
}
