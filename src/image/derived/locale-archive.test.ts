import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testTree } from '#testkit'
import { localeArchive, needsLocaleArchive } from './locale-archive.ts'

const sources = {
  '/usr/bin/localedef': 'program',
  '/usr/share/i18n/charmaps/UTF-8.gz': 'compressed',
  '/usr/share/i18n/locales/en_US': 'copy "en_GB"',
  '/usr/share/i18n/locales/en_GB': '',
  '/usr/share/i18n/locales/uz_UZ@cyrillic': '',
}
const { tree } = testTree(sources)
const places = { inputs: '/in', output: '/out' }

test('each locale is made by itself, in the directory that glibc looks for, in the byte order of the image', () => {
  const locales = ['C.UTF-8', 'en_US.UTF-8', 'uz_UZ.UTF-8@cyrillic']
  const steps = localeArchive.steps({ tree, architecture: 's390x', locales })
  assert.deepEqual(
    steps.map(({ target }) => target),
    ['/usr/lib/locale/en_US.utf8', '/usr/lib/locale/uz_UZ.utf8@cyrillic'],
  )
  assert.deepEqual(steps[1]?.arguments(places), [
    ...['--no-archive', '--no-hard-links', '--big-endian', '-i', 'uz_UZ@cyrillic', '-f', 'UTF-8', '/out/'],
  ])
  assert.deepEqual(steps[0]?.environment(places), { LC_ALL: 'C', I18NPATH: '/in/usr/share/i18n' })
  const [step] = localeArchive.steps({ tree, architecture: 'arm64', locales: ['en_US.UTF-8'] })
  assert.ok(step)
  assert.ok(step.arguments(places).includes('--little-endian'))
  assert.deepEqual(step.inputs[0], {
    path: '/usr/share/i18n/charmaps/UTF-8',
    source: '/usr/share/i18n/charmaps/UTF-8.gz',
    gunzip: true,
  })
  assert.equal(step.inputs.length, 4)
})

test('a definition needs the effect as soon as it names a locale that glibc does not have built in', () => {
  assert.deepEqual([[], ['C.UTF-8'], ['C.UTF-8', 'de_DE.UTF-8']].map(needsLocaleArchive), [false, false, true])
})

const refused: [string, object, readonly string[], RegExp][] = [
  ['no localedef', { '/usr/share/i18n/x': '' }, ['en_US.UTF-8'], /no \/usr\/bin\/localedef; it is in package libc-bin/],
  ['no sources', { '/usr/bin/localedef': '' }, ['en_US.UTF-8'], /no \/usr\/share\/i18n; it is in package locales/],
  ['no such locale', sources, ['xx_XX.UTF-8'], /locale xx_XX\.UTF-8: package locales has no xx_XX/],
  ['no locale asked for', sources, ['C.UTF-8'], /the definition names no locales/],
]
for (const [because, paths, locales, message] of refused) {
  test(`refused: ${because}`, () => {
    const image = testTree({ ...paths }).tree
    assert.throws(() => localeArchive.steps({ tree: image, architecture: 'amd64', locales }), {
      code: 'EFFECT_INVALID',
      message,
    })
  })
}
