import type { StatedPackage } from './read-purl.ts'

/** What a document says, whichever format it has. */
export interface StatedDocument {
  readonly name: string
  /** RFC 3339; empty where the document does not say. */
  readonly created: string
  /** Texts in which the image's digest may stand. */
  readonly identity: readonly string[]
  /** `debian-13`, where the document has a component for the system. */
  readonly system: string | undefined
  readonly packages: readonly StatedPackage[]
  /** Packages without purl, which nobody can tell apart. */
  readonly unnamed: number
}

type Fields = Readonly<Record<string, unknown>>

/** What an SPDX 2 document says (clauses 6 and 7), or as text what is wrong with it. */
export function statedBySpdx(document: unknown): StatedDocument | string {
  const { name, packages, creationInfo } = fieldsOf(document)
  if (!Array.isArray(packages)) return '`packages` is missing or no list'
  const stated: StatedPackage[] = []
  const identity: string[] = []
  let unnamed = 0
  for (const [index, entry] of packages.entries()) {
    if (!isFields(entry)) return `packages[${index}] is no object`
    const purls = listOf(entry['externalRefs'])
      .map(fieldsOf)
      .filter((each) => each['referenceType'] === 'purl')
    const purl = textOf(purls[0]?.['referenceLocator'])
    const isImage = entry['primaryPackagePurpose'] === 'CONTAINER' || purl.startsWith('pkg:oci/')
    if (isImage) identity.push(purl, textOf(entry['versionInfo']), ...checksums(entry['checksums'], 'checksumValue'))
    else if (purl === '' && entry['primaryPackagePurpose'] === 'LIBRARY') unnamed++
    else if (purl !== '') stated.push({ purl, ...sourceIn(textOf(entry['sourceInfo'])), path: '' })
  }
  const created = textOf(fieldsOf(creationInfo)['created'])
  return { name: textOf(name), created, identity, system: undefined, packages: stated, unnamed }
}

/** What a CycloneDX document says, or as text what is wrong with it. Components within components count too. */
export function statedByCycloneDx(document: unknown): StatedDocument | string {
  const { metadata, components = [] } = fieldsOf(document)
  if (!Array.isArray(components)) return '`components` is no list'
  const { component, timestamp } = fieldsOf(metadata)
  const subject = fieldsOf(component)
  const stated: StatedPackage[] = []
  let system: string | undefined
  let unnamed = 0
  const left: unknown[] = [...components]
  for (let entry = left.pop(); entry !== undefined; entry = left.pop()) {
    if (!isFields(entry)) return 'a component is no object'
    for (const nested of listOf(entry['components'])) left.push(nested)
    const purl = textOf(entry['purl'])
    if (entry['type'] === 'operating-system') system = `${textOf(entry['name'])}-${textOf(entry['version'])}`
    else if (purl === '' && entry['type'] === 'library') unnamed++
    else if (purl !== '') stated.push({ purl, ...sourceAmong(entry['properties']), path: placeOf(entry) })
  }
  const identity = [
    textOf(subject['version']),
    textOf(subject['purl']),
    ...checksums(subject['hashes'], 'content'),
    ...listOf(subject['properties']).map((each) => textOf(fieldsOf(each)['value'])),
  ]
  return {
    name: textOf(subject['name']),
    created: textOf(timestamp),
    identity,
    system,
    packages: stated.reverse(),
    unnamed,
  }
}

/** `built package from: openssl 3.5.1-1`, or our own words. */
function sourceIn(sourceInfo: string): Pick<StatedPackage, 'source'> {
  const pattern = /^built (?:package from:|from the Debian source package) (\S+) (\S+)$/
  const [, name, version] = pattern.exec(sourceInfo.slice(0, 500)) ?? []
  return name === undefined || version === undefined ? {} : { source: { name, version } }
}

/** Properties in which scanners name the source package; a version is taken together from its parts. */
function sourceAmong(properties: unknown): Pick<StatedPackage, 'source'> {
  const values = new Map<string, string>()
  for (const entry of listOf(properties)) {
    const { name, value } = fieldsOf(entry)
    values.set(textOf(name), textOf(value))
  }
  const own = values.get('casemate:deb:source')
  if (own) return { source: { name: own, ...versionOf(values.get('casemate:deb:source-version')) } }
  const name = values.get('aquasecurity:trivy:SrcName')
  if (!name) return {}
  const part = (key: string) => values.get(`aquasecurity:trivy:${key}`) ?? ''
  const release = part('SrcRelease') === '' ? '' : `-${part('SrcRelease')}`
  const epoch = ['', '0'].includes(part('SrcEpoch')) ? '' : `${part('SrcEpoch')}:`
  const version = part('SrcVersion') === '' ? undefined : `${epoch}${part('SrcVersion')}${release}`
  return { source: { name, ...versionOf(version) } }
}

function versionOf(version: string | undefined): { version?: string } {
  return version === undefined || version === '' ? {} : { version }
}

function placeOf(entry: Fields): string {
  const [occurrence] = listOf(fieldsOf(entry['evidence'])['occurrences'])
  const location = textOf(fieldsOf(occurrence)['location'])
  if (location !== '') return location
  const properties = listOf(entry['properties']).map(fieldsOf)
  const found = properties.find(({ name }) =>
    /^(?:syft:location:0:path|aquasecurity:trivy:FilePath)$/.test(textOf(name)),
  )
  return textOf(found?.['value'])
}

function checksums(value: unknown, key: string): string[] {
  return listOf(value).map((each) => `sha256:${textOf(fieldsOf(each)[key])}`)
}

function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {}
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
