import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testEffectInput } from '#testkit'
import { applyEffects } from './apply-effects.ts'

const SOURCE = '/usr/share/ca-certificates/mozilla/A.crt'
const paths = { [SOURCE]: '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n' }

test('an image without dpkg holds each certificate once, in the bundle', () => {
  const { tree, read } = applyEffects(testEffectInput(paths, ['ca-certificates']))
  assert.equal(tree.get(SOURCE), undefined)
  assert.equal(Buffer.from(read('/etc/ssl/certs/ca-certificates.crt')).toString(), paths[SOURCE])
})

test('certificates that no bundle was made of stay', () => {
  const { tree } = applyEffects(testEffectInput(paths, []))
  assert.notEqual(tree.get(SOURCE), undefined)
})
