import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultsOf, formatFault, parseYaml } from '#core'
import { notifyFaults, notifyShape, subscriptionsOf, type WrittenNotify } from './notify-settings.ts'

function faults(yaml: string): readonly string[] {
  const document = parseYaml(yaml)
  assert.ok('value' in document)
  const found = faultsOf(notifyShape, document.value, ['notify'])
  return [...found, ...(found.length > 0 ? [] : notifyFaults(document.value as WrittenNotify, ['notify']))].map(
    formatFault,
  )
}

test('a section says who is told what', () => {
  const yaml = `
- { webhook: "https://hooks.example.org/a", secret: [env:NEW, file:/run/secrets/old], images: [pay*], severity: high, kinds: [release, breach] }
- { webhook: "http://hooks.internal:8080/b", allow-internal: hooks.internal, owners: [team] }
`
  assert.deepEqual(faults(yaml), [])
  const document = parseYaml(yaml)
  assert.ok('value' in document)
  assert.deepEqual(subscriptionsOf(document.value as WrittenNotify), [
    {
      webhook: 'https://hooks.example.org/a',
      secrets: [{ environment: 'NEW' }, { file: '/run/secrets/old' }],
      interest: { images: ['pay*'], severity: 'high', kinds: ['release', 'breach'] },
      mayBeInternal: false,
    },
    { webhook: 'http://hooks.internal:8080/b', secrets: [], interest: { owners: ['team'] }, mayBeInternal: true },
  ])
  assert.deepEqual(subscriptionsOf(undefined), [])
})

const wrong: [string, RegExp][] = [
  ['[{ webhook: "ftp://hooks.example.org" }]', /want an address: https:/],
  ['[{ webhook: "https://" }]', /want an address|found no address/],
  [
    '[{ webhook: "https://user:secret@hooks.example.org/" }]',
    /found a user or password in the address, want a secret in `secret`/,
  ],
  ['[{ webhook: "https://a.example/", allow-internal: b.example }]', /want the webhook's host, a\.example/],
  ['[{ webhook: "https://a.example/", secret: whsec_abc }]', /want env:NAME or file:PATH/],
  ['[{ webhook: "https://a.example/", kinds: [relase] }]', /did you mean release|release, held/],
  ['[{ webhook: "https://a.example/", severty: high }]', /severity/],
  ['[{ images: [a] }]', /webhook/],
]
for (const [yaml, message] of wrong) {
  test(`a section is refused: ${yaml}`, () => assert.match(faults(yaml).join('\n'), message))
}

test('a secret in an address is not shown in the fault', () => {
  assert.ok(!faults('[{ webhook: "https://user:hunter2@hooks.example.org/" }]').join().includes('hunter2'))
})
