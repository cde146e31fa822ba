import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import {
  type DebComponent,
  formatCycloneDx,
  formatSpdx,
  type Inventory,
  joinExtracted,
  readPackageLicence,
  unclassifiedLicence,
} from '#sbom'

const FORMAT = 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: '

function component(name: string, copyright: string | undefined): DebComponent {
  const licence =
    copyright === undefined ? unclassifiedLicence('no file') : readPackageLicence(`${FORMAT}${copyright}\n`)
  return {
    name,
    version: '1',
    architecture: 'all',
    source: { name: `${name}-source`, version: '1' },
    maintainer: '',
    homepage: '',
    description: '',
    layer: undefined,
    files: [],
    licence,
  }
}

const inventory: Inventory = {
  image: {
    name: 'test',
    digest: digestOf('manifest'),
    architecture: 'amd64',
    created: '2026-11-20T10:00:00Z',
    version: '',
    layers: [],
  },
  distribution: undefined,
  packages: [
    component('a', 'Sunday\n Only on Sundays.'),
    component('b', 'Sunday and Expat\n Only on Sundays.'),
    component('c', 'public-domain\n By C.'),
    component('d', 'public-domain\n By D.'),
    component('e', undefined),
  ],
  applications: [],
  unowned: [],
  faults: [],
}

test('an SPDX document declares each licence that is not on the list once, with its text', () => {
  const document = JSON.parse(formatSpdx(inventory, { tool: 'casemate-0.1.0' }))
  const declared: string[] = document.packages.slice(1).map((one: Record<string, string>) => one['licenseDeclared'])
  const [own = ''] = declared
  assert.match(own, /^LicenseRef-debian-Sunday-[0-9a-f]{8}$/)
  assert.deepEqual(declared.slice(1), [
    `${own} AND MIT`,
    'LicenseRef-public-domain',
    'LicenseRef-public-domain',
    'NOASSERTION',
  ])
  assert.deepEqual(document.hasExtractedLicensingInfos, [
    { licenseId: own, name: 'Sunday', extractedText: 'Only on Sundays.' },
    {
      licenseId: 'LicenseRef-public-domain',
      name: 'public domain',
      extractedText: 'c-source:\nBy C.\n\nd-source:\nBy D.',
    },
  ])
  assert.equal(document.packages.at(-1).licenseComments, 'not classified: no file')
})

test('a CycloneDX document has the same expressions, and says what is not classified', () => {
  const document = JSON.parse(formatCycloneDx(inventory, { tool: 'casemate-0.1.0' }))
  const [, second] = document.components
  assert.equal(second.licenses.length, 1)
  assert.equal(second.licenses[0].acknowledgement, 'declared')
  assert.match(second.licenses[0].expression, /^LicenseRef-debian-Sunday-[0-9a-f]{8} AND MIT$/)
  const last = document.components.at(-1)
  assert.equal(last.licenses, undefined)
  assert.ok(last.properties.some((one: { value: string }) => one.value === 'no file'))
})

test('texts do not depend on the order of packages', () => {
  assert.deepEqual(joinExtracted([...inventory.packages].reverse()), joinExtracted(inventory.packages))
})
