import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFactorySettings } from './factory-settings.ts'

test('places that say what runs', () => {
  const { inventory } = parseFactorySettings(
    `inventory:
  poll: 1m
  clusters: [{ url: "https://k.example.org:6443/", token: /run/token, ca: /run/ca.crt, namespaces: [shop] }]
  kubectl: [current, prod]
  manifests: [./deploy, { git: "https://git.example.org/deploy.git", branch: main }]
`,
    'factory.yaml',
  )
  assert.deepEqual(inventory, {
    poll: 60_000,
    places: [
      {
        ...{ kind: 'cluster', url: 'https://k.example.org:6443', token: '/run/token', ca: '/run/ca.crt' },
        namespaces: ['shop'],
      },
      { kind: 'kubectl', context: undefined },
      { kind: 'kubectl', context: 'prod' },
      { kind: 'folder', folder: './deploy' },
      { kind: 'git', url: 'https://git.example.org/deploy.git', branch: 'main', path: '.' },
    ],
  })
  assert.deepEqual(parseFactorySettings('', 'factory.yaml').inventory, { poll: 300_000, places: [] })
})

const refused: [string, RegExp, string][] = [
  ['http://k.example.org', /which would show the token to others/, 'a token in the clear'],
  ['https://ada:secret@k.example.org', /found a user or password/, 'a password in an address'],
  ['https://k.example.org/?x=1', /more than an address/, 'a query'],
  ['https://[', /found no address/, 'no address'],
]
for (const [url, message, because] of refused) {
  test(`settings refuse ${because}`, () =>
    assert.throws(
      () => parseFactorySettings(`inventory: { clusters: [{ url: "${url}", token: t }] }`, 'factory.yaml'),
      { code: 'SETTINGS_INVALID', message },
    ))
}

test('on this machine a cluster may be asked in the clear', () => {
  const text = 'inventory: { clusters: [{ url: "http://127.0.0.1:8001", token: t }] }'
  assert.equal(parseFactorySettings(text, 'factory.yaml').inventory.places.length, 1)
})
