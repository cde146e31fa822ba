import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Archive } from '#debian'
import { testEffectInput } from '#testkit'
import { aptSources } from './apt-sources.ts'
import type { EffectInput } from './effects/effect.ts'

const identity = { origin: 'Example' }
const suite = { mirror: 'main', components: ['main'], identity, signedBy: ['key'], priority: 500 }
const archive: Archive = {
  name: 'example-7',
  description: 'An example',
  release: { id: 'example', version: '7', codename: 'seven' },
  keys: {},
  mirrors: {
    main: { builtIn: ['https://example.org/main', 'https://example.net/main'] },
    security: { builtIn: ['https://example.org/security'] },
    private: { builtIn: [] },
  },
  suites: [
    { ...suite, suite: 'seven' },
    { ...suite, suite: 'seven-security', mirror: 'security' },
    { ...suite, suite: 'seven-updates' },
    { ...suite, suite: 'team/', mirror: 'private', components: [] },
  ],
}

function written(input: EffectInput, from = archive): Record<string, string> {
  const entries = aptSources(from).apply({ ...input, actions: [] })
  return Object.fromEntries(
    entries.map((entry) => [entry.path, entry.type === 'file' ? Buffer.from(entry.content).toString() : entry.type]),
  )
}

const KEYRING = '/usr/share/keyrings/example-archive-keyring.gpg'

test('apt gets the suites of the archive at its first public mirror, with the keyring that the image has', () => {
  assert.deepEqual(written(testEffectInput({ [KEYRING]: 'key' }, ['apt'])), {
    '/etc/apt/sources.list.d/example.sources': `Types: deb
URIs: https://example.org/main
Suites: seven seven-updates
Components: main
Signed-By: ${KEYRING}

Types: deb
URIs: https://example.org/security
Suites: seven-security
Components: main
Signed-By: ${KEYRING}
`,
  })
})

test('an image without apt, one with sources of its own, and one of no release get none', () => {
  assert.deepEqual(written(testEffectInput({}, [])), {})
  assert.deepEqual(written(testEffectInput({ '/etc/apt/sources.list': '' }, ['apt'])), {})
  assert.deepEqual(written(testEffectInput({ '/etc/apt/sources.list.d/own.sources': '' }, ['apt'])), {})
  const { release: _, ...addOn } = archive
  assert.deepEqual(written(testEffectInput({}, ['apt']), addOn), {})
})
