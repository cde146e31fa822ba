import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readInventory } from '../src/cli/image-inventory.ts'
import { buildCatalogueImage, type CatalogueImage, catalogueImages } from './parts/catalogue.ts'
import { buildPeerDatabases, type PeerDatabases } from './parts/peer-databases.ts'
import { packagesByGrype, packagesBySyft, packagesByTrivy, plainLayout } from './parts/peer-scanners.ts'
import { PEER_VERSIONS } from './parts/peers.ts'

/** What is wrong, a line each, and a line of figures. */
interface Compared {
  readonly line: string
  readonly faults: readonly string[]
}

/**
 * syft, grype and trivy see in every image of the catalogue, each variant for amd64, the Debian packages that our inventory
 * has, by name, version and architecture, and each once. Needs `npm run peers`. Arguments are names of images; all unless given.
 */
export async function run(only: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-sbom-peers-'))
  const lines = [PEER_VERSIONS, '', `${''.padEnd(40)} packages; components of other kinds: syft, grype, trivy`]
  const faults: string[] = []
  try {
    const databases = await buildPeerDatabases(join(folder, 'databases'))
    const images = (await catalogueImages(only)).filter(({ platform }) => platform === 'linux/amd64')
    for (const image of images) {
      const compared = await compare(image, folder, databases)
      lines.push(compared.line)
      faults.push(...compared.faults)
      console.error(compared.line, ...compared.faults.slice(0, 5))
    }
    return { holds: faults.length === 0 && images.length > 0, lines: [...lines, '', ...faults] }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function compare(image: CatalogueImage, folder: string, databases: PeerDatabases): Promise<Compared> {
  const { layout, title } = await buildCatalogueImage(image, folder)
  const question = { image: await plainLayout(layout) }
  try {
    const inventory = await readInventory(`oci:${layout}:image`, image.platform)
    const ours = inventory.packages
      .map(({ name, version, architecture }) => `${name} ${version} ${architecture}`)
      .sort()
    const peers = {
      syft: await packagesBySyft(question),
      grype: await packagesByGrype(question, databases),
      trivy: await packagesByTrivy(question, databases),
    }
    const faults = Object.entries(peers).flatMap(([name, { packages }]) =>
      differences(ours, packages).map((one) => `${title}: ${name} ${one}`),
    )
    const others = Object.values(peers).map(({ others }) => others)
    return { line: `${title.padEnd(40)} ${String(ours.length).padStart(8)}; ${others.join(', ')}`, faults }
  } finally {
    for (const one of [layout, question.image]) rmSync(one, { recursive: true })
  }
}

/** How often each is there counts as well. */
function differences(ours: readonly string[], theirs: readonly string[]): readonly string[] {
  const counts = new Map<string, { ours: number; theirs: number }>()
  for (const [side, list] of [
    ['ours', ours],
    ['theirs', theirs],
  ] as const) {
    for (const one of list) {
      const count = counts.get(one) ?? { ours: 0, theirs: 0 }
      count[side]++
      counts.set(one, count)
    }
  }
  return [...counts]
    .filter(([, count]) => count.ours !== 1 || count.theirs !== 1)
    .map(([one, count]) => `sees ${one} ${count.theirs} times, we ${count.ours} times`)
}
