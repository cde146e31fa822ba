import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testEffectInput, testPackage } from '#testkit'
import { applyEffects } from './apply-effects.ts'

const available = '/usr/share/fontconfig/conf.avail'
const enabled = '/etc/fonts/conf.d'
const paths = {
  [`${available}/10-hinting-slight.conf`]: { content: '' },
  [`${available}/10-hinting-full.conf`]: { content: '' },
  [`${available}/70-no-bitmaps-except-emoji.conf`]: { content: '' },
  [`${enabled}/10-sub-pixel-none.conf`]: { link: `${available}/10-sub-pixel-none.conf` },
}

test('fontconfig-config has the links of its default answers beside those of the package', () => {
  const { tree } = applyEffects(testEffectInput(paths, [testPackage('fontconfig-config', {})]))
  const wanted = ['10-hinting-slight.conf', '10-sub-pixel-none.conf', '70-no-bitmaps-except-emoji.conf']
  assert.deepEqual(tree.list(enabled), wanted)
  for (const name of wanted) {
    const link = tree.get(`${enabled}/${name}`)
    assert.equal(link?.type === 'symlink' && link.target, `${available}/${name}`)
  }
  assert.equal(tree.get('/usr/local/share/fonts')?.mode, 0o755)
})

test('a rule that the package has not, or that stands already, is left alone', () => {
  const { [`${available}/10-hinting-slight.conf`]: _, ...others } = paths
  const own = { [`${enabled}/70-no-bitmaps-except-emoji.conf`]: { link: '/etc/fonts/own.conf' } }
  const { tree } = applyEffects(testEffectInput({ ...others, ...own }, [testPackage('fontconfig-config', {})]))
  const found = tree.get(`${enabled}/70-no-bitmaps-except-emoji.conf`)
  assert.equal(found?.type === 'symlink' && found.target, '/etc/fonts/own.conf')
  assert.equal(tree.get(`${enabled}/10-hinting-slight.conf`), undefined)
})

test('an image without the package has none of it', () => {
  const { tree } = applyEffects(testEffectInput({}, []))
  assert.equal(tree.get('/etc/fonts'), undefined)
  assert.equal(tree.get('/usr/local/share/fonts'), undefined)
})
