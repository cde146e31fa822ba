import { type Inventory, licenceIds } from '#sbom'
import type { FactRecord } from '../fact-shapes.ts'

/** Debian packages as expressions see them. */
export function packageFacts({ packages }: Inventory): readonly FactRecord<'Package'>[] {
  return packages.map(({ name, version, architecture, source }) => ({
    name,
    version,
    architecture,
    source: source.name,
  }))
}

/** Packages of applications as expressions see them. */
export function applicationFacts({ applications }: Inventory): readonly FactRecord<'Application'>[] {
  return applications.map(({ ecosystem, name, version, purl, path }) => ({ ecosystem, name, version, purl, path }))
}

/** Licences of all packages; `inventory` was read with them. */
export function licenceFacts({ packages, applications }: Inventory): readonly FactRecord<'Licence'>[] {
  const debian = packages.map(({ name, licence }) => ({
    ...{ package: name, kind: 'debian', ...idsOf(licence?.expression) },
    unclassified: licence?.unclassified ?? ['nobody has looked'],
  }))
  const others = applications.map(({ ecosystem, name, licence }) => ({
    ...{ package: `${ecosystem} ${name}`, kind: 'application', ...idsOf(licence) },
    unclassified: licence === undefined ? ['the package declares no SPDX expression'] : [],
  }))
  return [...debian, ...others]
}

function idsOf(expression = '') {
  return { expression, ids: licenceIds(expression) }
}
