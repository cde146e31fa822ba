import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import addFormats from 'ajv-formats'

const SPDX = new URL('testdata/spdx-2.3.schema.json', import.meta.url)
const readJson = (file: URL) => JSON.parse(readFileSync(file, 'utf8'))
const library = import.meta.resolve('@cyclonedx/cyclonedx-library/package.json')
const cycloneDxSchema = (name: string) => readJson(new URL(`res/schema/${name}.SNAPSHOT.schema.json`, library))

// The schemas have words of their own, and formats for international names that ajv-formats lacks.
const options = { strict: false, allErrors: true, validateFormats: true, logger: false } as const
const spdxAjv = new Ajv2019(options)
const cycloneAjv = new Ajv(options)
for (const ajv of [spdxAjv, cycloneAjv]) addFormats.default(ajv)
cycloneAjv.addFormat('iri-reference', /^[^\s<>"{}|\\^`]*$/)
cycloneAjv.addFormat('idn-email', /^[^\s@]+@[^\s@]+$/)
for (const name of ['jsf-0.82', 'spdx']) {
  cycloneAjv.addSchema(cycloneDxSchema(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`)
}

const validateSpdx = spdxAjv.compile<SpdxDocument>(readJson(SPDX))
const validateCycloneDx = cycloneAjv.compile<CycloneDxDocument>(cycloneDxSchema('bom-1.6'))

interface SpdxDocument {
  readonly creationInfo: { readonly created: string; readonly creators: readonly string[] }
  readonly packages: readonly {
    readonly SPDXID: string
    readonly name: string
    readonly versionInfo?: string
    readonly supplier?: string
    readonly externalRefs?: readonly { readonly referenceLocator: string }[]
    readonly annotations?: readonly { readonly comment: string }[]
    readonly filesAnalyzed?: boolean
    readonly packageVerificationCode?: { readonly packageVerificationCodeValue: string }
  }[]
  readonly files?: readonly {
    readonly SPDXID: string
    readonly fileName: string
    readonly checksums: readonly { readonly algorithm: string; readonly checksumValue: string }[]
  }[]
  readonly relationships: readonly {
    readonly spdxElementId: string
    readonly relationshipType: string
    readonly relatedSpdxElement: string
  }[]
}

interface CycloneDxDocument {
  readonly metadata: {
    readonly timestamp?: string
    readonly tools?: unknown
    readonly component: CycloneDxComponent & {
      readonly properties: readonly { readonly name: string; readonly value: string }[]
    }
  }
  readonly components: readonly CycloneDxComponent[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[]
}

interface CycloneDxComponent {
  readonly 'bom-ref': string
  readonly type: string
  readonly name: string
  readonly version?: string
  readonly purl?: string
  readonly supplier?: { readonly name: string }
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[]
  readonly components?: readonly CycloneDxComponent[]
}

/**
 * What is wrong with the two documents of an image, a line each: where they break their specification's JSON Schema, lack one of
 * NTIA's minimum elements (supplier, name, version, identifier, relationship, author, time; a supplier is asked of Debian
 * packages only, others name none), or do not say the same. Where they list files: each in one component, with SHA-1 and SHA-256, and
 * verification codes that hold.
 */
export function sbomFaults(spdxText: string, cycloneDxText: string): string[] {
  const spdx: unknown = JSON.parse(spdxText)
  const cycloneDx: unknown = JSON.parse(cycloneDxText)
  if (!validateSpdx(spdx)) return (validateSpdx.errors ?? []).map((one) => `SPDX: ${one.instancePath} ${one.message}`)
  if (!validateCycloneDx(cycloneDx)) {
    return (validateCycloneDx.errors ?? []).map((one) => `CycloneDX: ${one.instancePath} ${one.message}`)
  }
  return [
    ...spdxMinimum(spdx),
    ...cycloneDxMinimum(cycloneDx),
    ...fileFaults(spdx, cycloneDx),
    ...disagreements(spdx, cycloneDx),
  ]
}

function spdxMinimum({ creationInfo, packages, relationships }: SpdxDocument): string[] {
  const related = new Set(relationships.map(({ relatedSpdxElement }) => relatedSpdxElement))
  return [
    ...(creationInfo.creators.length > 0 && creationInfo.created !== '' ? [] : ['SPDX: no author or time']),
    ...packages.flatMap(({ SPDXID, name, versionInfo = '', supplier = 'NOASSERTION' }) => [
      ...(name !== '' && versionInfo !== '' ? [] : [`SPDX: ${SPDXID} has no name or version`]),
      ...(related.has(SPDXID) ? [] : [`SPDX: nothing is said of how ${SPDXID} belongs to the image`]),
      ...(SPDXID.startsWith('SPDXRef-deb-') && supplier === 'NOASSERTION' ? [`SPDX: ${SPDXID} has no supplier`] : []),
    ]),
  ]
}

function cycloneDxMinimum({ metadata, components, dependencies }: CycloneDxDocument): string[] {
  const related = new Set(dependencies.flatMap(({ dependsOn = [] }) => dependsOn))
  const references = components.map((one) => one['bom-ref'])
  return [
    ...(metadata.timestamp && metadata.tools ? [] : ['CycloneDX: no author or time']),
    ...(new Set(references).size === references.length ? [] : ['CycloneDX: two components share a reference']),
    ...components.flatMap(({ 'bom-ref': reference, name, version = '', purl = '', supplier }) => [
      ...(name !== '' && version !== '' ? [] : [`CycloneDX: ${reference} has no name or version`]),
      ...(related.has(reference) ? [] : [`CycloneDX: nothing is said of how ${reference} belongs to the image`]),
      ...(purl.startsWith('pkg:deb/') && supplier === undefined ? [`CycloneDX: ${reference} has no supplier`] : []),
    ]),
  ]
}

function fileFaults({ packages, files = [], relationships }: SpdxDocument, cycloneDx: CycloneDxDocument): string[] {
  const titles = new Map(packages.map((one) => [one.SPDXID, `${one.name} ${one.versionInfo}`]))
  const holders = Map.groupBy(
    relationships.filter(({ relationshipType }) => relationshipType === 'CONTAINS'),
    ({ relatedSpdxElement }) => relatedSpdxElement,
  )
  const faults: string[] = []
  const held = files.map(({ SPDXID, fileName, checksums }) => {
    const [first, ...others] = holders.get(SPDXID) ?? []
    if (first === undefined || others.length > 0) faults.push(`SPDX: ${fileName} is not in one package`)
    const sum = (name: string) => checksums.find(({ algorithm }) => algorithm === name)?.checksumValue
    return { holder: first?.spdxElementId ?? '', path: fileName.slice(1), sha1: sum('SHA1'), sha256: sum('SHA256') }
  })
  const image = packages[0]?.SPDXID
  for (const { SPDXID, filesAnalyzed, packageVerificationCode } of packages) {
    const own = held.filter(({ holder }) => SPDXID === image || holder === SPDXID)
    if ((filesAnalyzed !== false) !== own.length > 0) faults.push(`SPDX: ${SPDXID} says wrongly whether it has files`)
    const code = createHash('sha1')
      .update(
        own
          .map(({ sha1 }) => sha1)
          .sort()
          .join(''),
      )
      .digest('hex')
    if (own.length > 0 && packageVerificationCode?.packageVerificationCodeValue !== code) {
      faults.push(`SPDX: ${SPDXID} has another verification code than its files`)
    }
  }
  const left = held.map(({ holder, path, sha1, sha256 }) => `${path} ${sha1} ${sha256} of ${titles.get(holder)}`)
  const right = [cycloneDx.metadata.component, ...cycloneDx.components].flatMap(filesOf)
  return [...faults, ...differences(left, right).map((one) => `the two documents differ in the file ${one}`)]
}

function filesOf({ name, version, components = [] }: CycloneDxComponent): string[] {
  return components.map(({ name: path, hashes = [] }) => {
    const sum = (wanted: string) => hashes.find(({ alg }) => alg === wanted)?.content
    return `${path} ${sum('SHA-1')} ${sum('SHA-256')} of ${name} ${version}`
  })
}

function disagreements(spdx: SpdxDocument, { metadata, components }: CycloneDxDocument): string[] {
  const [image, ...others] = spdx.packages
  const left = others.map((one) => `${one.name} ${one.versionInfo} ${one.externalRefs?.[0]?.referenceLocator ?? ''}`)
  const right = components
    .filter(({ type }) => type !== 'operating-system')
    .map(({ name, version, purl = '' }) => `${name} ${version} ${purl}`)
  const notes = (image?.annotations ?? []).map(({ comment }) => comment)
  const listed =
    notes
      .find((text) => text.startsWith('files that nothing explains:'))
      ?.split('\n')
      .slice(1) ?? []
  const unexplained = metadata.component.properties.filter(({ name }) => name === 'casemate:file:unexplained')
  return [
    ...differences(left, right).map((one) => `the two documents differ in the component ${one}`),
    ...differences(
      listed,
      unexplained.map(({ value }) => value),
    ).map((one) => `the two documents differ in ${one}`),
  ]
}

function differences(left: readonly string[], right: readonly string[]): string[] {
  const [ofLeft, ofRight] = [left.toSorted(), right.toSorted()]
  if (JSON.stringify(ofLeft) === JSON.stringify(ofRight)) return []
  const [inLeft, inRight] = [new Set(left), new Set(right)]
  const odd = [...ofLeft.filter((one) => !inRight.has(one)), ...ofRight.filter((one) => !inLeft.has(one))]
  return odd.length > 0 ? odd : ['how often something is listed']
}
