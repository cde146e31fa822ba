import assert from 'node:assert/strict'
import { test } from 'node:test'
import { catalogueNames, type EffectiveDefinition, openDefinition, readAbout } from '#image'
import { parseImageTests } from '#sandbox'
import { testTree } from '#testkit'
import { ESSENTIAL, judgeImage, rules } from './catalogue-rules.ts'

const names = await catalogueNames()

async function variantsOf(name: string): Promise<readonly EffectiveDefinition[]> {
  const { definition } = await openDefinition(name, { workingFolder: process.cwd() })
  return [...definition.variants.values()]
}

for (const name of names) {
  test(`${name} keeps the catalogue's rules or is listed as an exception`, async () => {
    const { exceptions } = await readAbout(name)
    for (const definition of await variantsOf(name)) assert.deepEqual(judgeImage({ definition, exceptions }).faults, [])
  })

  test(`${name} has tests that can be read, and no two alike`, async () => {
    for (const definition of await variantsOf(name)) assert.ok(parseImageTests(definition.tests).length >= 2)
  })
}

test('every image with a package manager asks for every Essential package', async () => {
  for (const name of names) {
    for (const { variant, packages } of await variantsOf(name)) {
      const asked = new Set(packages.map((request) => request.name))
      if (!asked.has('apt')) continue
      assert.deepEqual(
        ESSENTIAL.filter((essential) => !asked.has(essential)),
        [],
        `${name} ${variant}`,
      )
    }
  }
})

test('debian holds what the development variant of base adds to static', async () => {
  const packagesOf = async (name: string, variant: string) => {
    const found = (await variantsOf(name)).find((one) => one.variant === variant)
    return (found?.packages ?? []).map((request) => request.name)
  }
  const [dev, runtime] = [await packagesOf('base', 'dev'), await packagesOf('base', 'runtime')]
  const libraries = runtime.filter((name) => (name.startsWith('lib') && name !== 'libc-bin') || name === 'zlib1g')
  assert.deepEqual(
    dev.filter((name) => !libraries.includes(name)),
    await packagesOf('debian', 'runtime'),
  )
})

const breaches: readonly [rule: string, tree: Parameters<typeof testTree>[0]][] = [
  ['no shell', { '/usr/bin/sh': { link: 'dash' } }],
  ['no package manager', { '/usr/local/bin/pip3': { content: '', mode: 0o755 } }],
  ['no set-id file', { '/usr/bin/su': { content: '', mode: 0o4755 } }],
  ['nothing world-writable', { '/srv/data': { directory: true, mode: 0o777 } }],
  ['paths', { '/tmp': { directory: true, mode: 0o755 } }],
]
for (const [rule, content] of breaches) {
  test(`the rule "${rule}" tells a breach`, async () => {
    const [definition] = await variantsOf('cc')
    assert.ok(definition !== undefined)
    const { tree } = testTree(content)
    const faults = rules.find(({ name }) => name === rule)?.faults({ definition, tree, exceptions: [] }) ?? []
    assert.ok(
      faults.some((fault) => fault.startsWith(Object.keys(content)[0] ?? '?')),
      faults.join('\n'),
    )
  })
}
