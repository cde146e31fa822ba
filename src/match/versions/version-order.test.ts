import assert from 'node:assert/strict'
import { test } from 'node:test'
import { versionOrderOf } from './version-order.ts'

type Ecosystem = Parameters<typeof versionOrderOf>[0]

const order: [Ecosystem, string, string, -1 | 0 | 1, string][] = [
  ['npm', '1.0.0-alpha', '1.0.0-alpha.1', -1, 'more identifiers come after fewer (clause 11)'],
  ['npm', '1.0.0-alpha.beta', '1.0.0-beta', -1, 'identifiers by the alphabet'],
  ['npm', '1.0.0-beta.2', '1.0.0-beta.11', -1, 'numeric identifiers by value'],
  ['npm', '1.0.0-rc.1', '1.0.0', -1, 'a pre-release comes before its release'],
  ['npm', '1.0.0+build.1', '1.0.0', 0, 'build metadata says nothing of order'],
  ['npm', '1.10', '1.9.9', 1, 'zeros left out at the end are there'],
  ['Go', 'v1.2.3', '1.2.3', 0, 'the v is no part of the version'],
  ['Go', 'go1.22', '1.21.11', 1, 'a toolchain is ordered like a module'],
  ['Go', 'v0.0.0-20240101120000-abcdefabcdef', '0.0.0-20240301000000-000000000000', -1, 'pseudo-versions go by time'],
  ['Go', 'v2.0.0+incompatible', '2.0.0', 0, '+incompatible is build metadata'],
  ['PyPI', '1.0.dev456', '1.0a1', -1, 'development releases come first (PEP 440)'],
  ['PyPI', '1.0b2.post345.dev456', '1.0b2.post345', -1, 'so do those of a post-release'],
  ['PyPI', '1.0rc1', '1.0', -1, 'a candidate comes before its release'],
  ['PyPI', '1.0', '1.0+abc.5', -1, 'a local version comes after the public one'],
  ['PyPI', '1.0.15', '1.1.dev1', -1, 'a development release of the next one is later'],
  ['PyPI', '1!0.1', '2025.1', 1, 'an epoch outranks'],
  ['PyPI', '1.0', '1.0.0', 0, 'zeros at the end say nothing'],
  ['Maven', '1', '1.1', -1, 'padding'],
  ['Maven', '1-snapshot', '1', -1, 'a snapshot comes before its release'],
  ['Maven', '1', '1-sp', -1, 'a service pack comes after it'],
  ['Maven', '1-foo2', '1-foo10', -1, 'digits in a qualifier are numbers'],
  ['Maven', '1.foo', '1-foo', 0, 'before a qualifier dot and hyphen are one'],
  ['Maven', '1-foo', '1-1', -1, 'a qualifier comes before a number'],
  ['Maven', '1-1', '1.1', -1, 'a number after a hyphen comes before one after a dot'],
  ['Maven', '1.ga', '1-0', 0, 'ga and zero are nothing'],
  ['Maven', '1-sp', '1-ga', 1, 'sp comes after ga'],
  ['Maven', '1-sp.1', '1-ga.1', 1, 'also with a number behind a dot'],
  ['Maven', '1-sp-1', '1-ga-1', -1, 'ga before a hyphen is trimmed'],
  ['Maven', '1-a1', '1-alpha-1', 0, 'a is short for alpha'],
  ['Maven', '1.0.0-foo.0.0', '1-foo', 0, 'zeros are trimmed before each hyphen'],
  ['Maven', '1.0.0-0.0.0', '1', 0, 'and all the way'],
  ['Maven', '2.17.1', '2.9.10.8', 1, 'digits go by value'],
  ['Maven', '1.0-RC2', '1.0-cr3', -1, 'cr is rc, whatever the case'],
  ['Maven', '32.1.3-jre', '32.0.0-android', 1, 'qualifiers of variants come last'],
  ['RubyGems', '1.0.a', '1.0.b1', -1, 'words by the alphabet'],
  ['RubyGems', '1.0.b1', '1.0', -1, 'letters make a pre-release'],
  ['RubyGems', '1.0.0', '1.0', 0, 'zeros at the end say nothing'],
  ['RubyGems', '1.8.2.a10', '1.8.2.a9', 1, 'letters and digits part'],
  ['RubyGems', '5.0.0-1', '5.0.0', -1, 'a hyphen is .pre.'],
  ['RubyGems', '0.beta.1', '0.0.beta.1', 0, 'zeros before a word say nothing'],
  ['RubyGems', '9.0', '10.0', -1, 'digits go by value'],
]
for (const [ecosystem, left, right, want, because] of order) {
  test(`${ecosystem}: ${left} against ${right}: ${because}`, () => {
    const { compare, isVersion } = versionOrderOf(ecosystem)
    assert.deepEqual([isVersion(left), isVersion(right)], [true, true])
    assert.deepEqual([Math.sign(compare(left, right)), Math.sign(compare(right, left)) + 0], [want, 0 - want])
  })
}

test('what is no version of its ecosystem is known as such, however long', () => {
  for (const [ecosystem, text] of [
    ['npm', 'latest'],
    ['Go', '(devel)'],
    ['PyPI', '1.0-foo-bar'],
    ['Maven', '.-'],
    ['RubyGems', '1..2'],
    ['npm', `1.0.0-${'a'.repeat(300)}`],
    ['Maven', '1.'.repeat(100_000)],
  ] as const) {
    assert.equal(versionOrderOf(ecosystem).isVersion(text), false, `${ecosystem} ${text.slice(0, 40)}`)
  }
})
