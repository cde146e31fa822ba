import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expandTags, templateFault, versionPart } from './tags.ts'

const parts: [string, 'upstream' | 'minor' | 'major' | 'full', string | undefined, string][] = [
  ['3.13.5-2+deb13u5', 'upstream', '3.13.5', 'the revision is Debian’s'],
  ['20.19.2+dfsg-1+deb13u3', 'upstream', '20.19.2', 'so is +dfsg'],
  ['1:8.14.1~ds1-1', 'upstream', '8.14.1', 'and the epoch, and ~ds1'],
  ['2.4.dfsg1-3', 'upstream', '2.4', 'dfsg as it was once written'],
  ['1.2+dfsg+ds.1-1', 'upstream', '1.2', 'repacked twice'],
  ['13.8+deb13u7', 'upstream', '13.8', 'a native package with a security update'],
  ['2.0+really1.9.3-1', 'upstream', '1.9.3', 'a version taken back'],
  ['21.0.13+9-1~deb13u1', 'upstream', '21.0.13_9', 'a build number is upstream’s; a tag has no +'],
  ['3.14.0~rc1-1', 'upstream', '3.14.0-rc1', 'a pre-release never takes the tag of the release'],
  ['2026f-0+deb13u1', 'upstream', '2026f', 'letters stay'],
  ['1.26.3-3+deb13u10', 'minor', '1.26', 'two numbers'],
  ['1.26.3-3+deb13u10', 'major', '1', 'one number'],
  ['20250419+deb13u1', 'minor', undefined, 'a date has no second number'],
  ['2026f-0+deb13u1', 'major', '2026', 'digits only'],
  ['1:2.3~rc1-4+deb13u1', 'full', '1_2.3-rc1-4_deb13u1', 'all of it, in the characters of tags'],
]
for (const [version, field, want, because] of parts) {
  test(`${field} of ${version} is ${want}: ${because}`, () => assert.equal(versionPart(version, field), want))
}

const python = { name: 'python3.13-minimal', version: '3.13.5-2', source: { name: 'python3.13', version: '3.13.5-2' } }
const curl = { name: 'curl', version: '8.14.1-2', source: { name: 'curl', version: '8.14.1-2' } }
const runtime = { name: 'python', variant: 'runtime' }

test("the design's example gives a full, a floating and a distribution's tag", () => {
  const templates = ['{python3.13:upstream}', '{python3.13:minor}', '{minor}-debian13']
  assert.deepEqual(expandTags(templates, runtime, [python]), ['3.13.5', '3.13', '3.13-debian13'])
  assert.deepEqual(expandTags(templates, { name: 'python', variant: 'dev' }, [python]), [
    '3.13.5-dev',
    '3.13-dev',
    '3.13-debian13-dev',
  ])
})

test('a binary package goes before a source package of its name', () => {
  const other = { name: 'python3.13', version: '3.13.6-1', source: { name: 'python3-defaults', version: '3.13.6-1' } }
  assert.deepEqual(expandTags(['{python3.13:upstream}'], runtime, [other, python]), ['3.13.6'])
})

test('a placeholder without package means the image’s own until one is named', () => {
  assert.deepEqual(
    expandTags(['{major}', '{python3.13:minor}', '{minor}', 'latest'], { name: 'curl', variant: 'runtime' }, [
      curl,
      python,
    ]),
    ['8', '3.13', 'latest'],
  )
})

test('tags that cannot be made are errors that name the template', () => {
  const code = 'TAG_INVALID'
  assert.throws(() => expandTags(['{ruby:minor}'], runtime, [python]), {
    code,
    message: /"\{ruby:minor\}": there is no package ruby/,
  })
  assert.throws(() => expandTags(['{minor}'], runtime, [python]), {
    code,
    message: /no package python in image python/,
  })
  const native = { ...curl, version: '20250419' }
  assert.throws(() => expandTags(['{curl:minor}'], runtime, [native]), {
    code,
    message: /20250419 of curl has no minor part/,
  })
  assert.throws(() => expandTags([`{curl:minor}${'x'.repeat(126)}`], runtime, [curl]), { code, message: /is no tag/ })
})

const templates: [string, RegExp | undefined, string][] = [
  ['latest', undefined, 'a tag without placeholder'],
  ['{curl:upstream}-debian13', undefined, 'text around a placeholder'],
  ['{date}', /not reproducible/, 'a date differs from day to day'],
  ['{curl:mayor}', /did you mean `major`/, 'a misspelt field'],
  ['{curl:x}', /want upstream, minor, major, full/, 'an unknown field'],
  ['{Curl:minor}', /want \{package:field\}/, 'no package name'],
  ['{minor', /closed by a \}/, 'a brace left open'],
  ['minor}', /closed by a \}/, 'a brace never opened'],
  ['-x', /is no tag/, 'a tag begins with no hyphen'],
  ['a/b', /is no tag/, 'a tag has no slash'],
]
for (const [template, fault, because] of templates) {
  test(`template ${template} is ${fault === undefined ? 'right' : 'wrong'}: ${because}`, () => {
    if (fault === undefined) assert.equal(templateFault(template), undefined)
    else assert.match(templateFault(template) ?? '', fault)
  })
}
