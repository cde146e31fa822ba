import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { isCopyrightFile, MAX_COPYRIGHT } from '#debian'
import { type ImageFiles, readImageFiles } from '#oci'
import type { DebComponent, Inventory } from '#sbom'
import { type TarItem, tarOf } from '#testkit'
import { withLicences } from './image-licences.ts'

/** An image of one layer, of which the copyright files are held. */
async function imageOf(...items: readonly TarItem[]): Promise<ImageFiles> {
  const openTar = async function* () {
    yield tarOf(...items)
  }
  return readImageFiles([{ openTar }], { wants: isCopyrightFile })
}

function inventory(...names: readonly string[]): Inventory {
  const packages = names.map(
    (name): DebComponent => ({
      name,
      version: '1',
      architecture: 'all',
      source: { name, version: '1' },
      maintainer: '',
      homepage: '',
      description: '',
      layer: undefined,
      files: [],
    }),
  )
  const image = { name: 'i', digest: digestOf('i'), architecture: 'amd64', created: '', version: '', layers: [] }
  return { image, distribution: undefined, packages, applications: [], unowned: [], faults: [] }
}

const copyright = '/usr/share/doc/a/copyright'

test('a folder or file that is a link to another package is followed; what is missing or too large is said', async () => {
  const files = await imageOf(
    { path: 'usr/share/doc/a/copyright', content: 'See /usr/share/common-licenses/Apache-2.0.' },
    { path: 'usr/share/doc/b', type: 'symlink', linkPath: 'a' },
    { path: 'usr/share/doc/c/copyright', type: 'symlink', linkPath: '../a/copyright' },
    { path: 'usr/share/doc/d/copyright', content: ' '.repeat(MAX_COPYRIGHT + 1) },
    { path: 'usr/share/doc/e', type: 'symlink', linkPath: 'e' },
  )
  const read = withLicences(inventory('a', 'b', 'c', 'd', 'e'), files)
  assert.deepEqual(
    read.packages.map(({ licence }) => licence?.expression ?? licence?.unclassified[0]),
    [
      'Apache-2.0',
      'Apache-2.0',
      'Apache-2.0',
      `/usr/share/doc/d/copyright is larger than ${MAX_COPYRIGHT} bytes`,
      'the image has no file /usr/share/doc/e/copyright',
    ],
  )
})

test('only copyright files of packages are held, and none that is too large', () => {
  assert.ok(isCopyrightFile({ path: copyright, size: MAX_COPYRIGHT }))
  assert.ok(!isCopyrightFile({ path: copyright, size: MAX_COPYRIGHT + 1 }))
  assert.ok(!isCopyrightFile({ path: '/usr/share/doc/a/b/copyright', size: 1 }))
})
