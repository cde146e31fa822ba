import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { recogniseBase } from './recognise-base.ts'

const [a, b, c, d] = [digestOf('a'), digestOf('b'), digestOf('c'), digestOf('d')]
const base = {
  name: 'base',
  digests: [digestOf('base')],
  diffIds: [a, b],
  history: [{ created_by: 'make a' }, { created_by: 'make b' }],
}
const overlay = { name: 'overlay', digests: [digestOf('overlay')], diffIds: [a, b, c] }
const other = { name: 'other', digests: [digestOf('other')], diffIds: [b] }

test('a base is proven by the diff IDs that an image begins with; bases on one another come lowest first', () => {
  const found = recogniseBase({ diffIds: [a, b, c, d] }, [other, overlay, base])
  assert.deepEqual(found, {
    kind: 'proven',
    bases: [
      { base, layers: 2 },
      { base: overlay, layers: 3 },
    ],
  })
})

test('an image that is its base is on it; one that is above it is not', () => {
  assert.equal(recogniseBase({ diffIds: [a, b] }, [base]).kind, 'proven')
  assert.deepEqual(recogniseBase({ diffIds: [a, b] }, [overlay]), {
    kind: 'unknown',
    nearest: { base: overlay, layers: 2 },
  })
})

test('a part of the layers proves nothing, whatever the image says of itself', () => {
  const annotations = { 'org.opencontainers.image.base.digest': digestOf('base') }
  assert.deepEqual(recogniseBase({ diffIds: [a, d], annotations }, [base]), {
    kind: 'unknown',
    nearest: { base, layers: 1 },
  })
})

test('annotations, and labels behind them, say what they say, which proves nothing', () => {
  const [name, digest] = ['org.opencontainers.image.base.name', 'org.opencontainers.image.base.digest']
  const labels = { [name]: 'label', [digest]: 'sha256:1' }
  assert.deepEqual(recogniseBase({ diffIds: [d], annotations: { [name]: 'there' }, labels }, [other]), {
    kind: 'stated',
    stated: { name: 'there', digest: 'sha256:1' },
  })
  assert.deepEqual(recogniseBase({ diffIds: [d], labels: { [name]: '' } }, [other]), {
    kind: 'unknown',
    nearest: undefined,
  })
})

test('squashed is what says that it is on a base and has none of its layers: by digest, or by its history', () => {
  const annotations = { 'org.opencontainers.image.base.digest': digestOf('base') }
  assert.deepEqual(recogniseBase({ diffIds: [d], annotations }, [other, base]), { kind: 'squashed', base })
  const history = [...base.history, { created_by: 'COPY' }]
  assert.deepEqual(recogniseBase({ diffIds: [d], history }, [other, base]), { kind: 'squashed', base })
  assert.equal(recogniseBase({ diffIds: [d], history: history.slice(1) }, [base]).kind, 'unknown')
})
