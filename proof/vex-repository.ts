import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runOrThrow } from './parts/command.ts'
import { buildIgnorantDatabases, buildPeerDatabases } from './parts/peer-databases.ts'
import { findingsByTrivy, plainLayout } from './parts/peer-scanners.ts'
import { PEER_VERSIONS } from './parts/peers.ts'

const CLI = join(import.meta.dirname, '../src/cli/main.ts')
/** The folder below a repository's own in trivy's cache, by the specification's version. */
const SPECIFICATION = '0.1'

/**
 * A VEX repository that `casemate vex --repository` has written of two images, given to trivy as one that it has downloaded: of its
 * findings there go the same as with the image's own document, and some do. Needs `npm run peers`.
 */
export async function run(): Promise<{ holds: boolean; lines: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-vex-repository-'))
  try {
    const { casemate: env } = await buildPeerDatabases(join(folder, 'databases'))
    const databases = await buildIgnorantDatabases(join(folder, 'ignorant'))
    const casemate = (...args: readonly string[]) =>
      runOrThrow([process.execPath, '--conditions=source', CLI, ...args], { env })
    const repository = join(folder, 'repository')
    const images = ['base', 'python']
    for (const name of images) {
      const layout = `oci:${join(folder, name)}:image`
      await casemate('build', name, '--platform', 'linux/amd64', '-o', layout)
      const address = ['--repository-url', 'https://vex.example/main.tar.gz//main']
      await casemate('vex', layout, '--platform', 'linux/amd64', '--repository', repository, ...address)
      await casemate('vex', layout, '--platform', 'linux/amd64', '-o', join(folder, `${name}.openvex.json`))
    }
    giveToTrivy(repository, { cache: databases.trivy, data: join(folder, 'data') })
    const rows: string[] = []
    let holds = true
    for (const name of images) {
      const image = await plainLayout(join(folder, name))
      const scan = async (vex: readonly string[]) =>
        (await findingsByTrivy({ image, vex }, databases)).map(({ purl, issue }) => `${purl} ${issue}`).sort()
      const all = await scan([])
      const [byFile, byRepository] = [await scan([join(folder, `${name}.openvex.json`)]), await scan(['repo'])]
      const isSame = byFile.join('\n') === byRepository.join('\n')
      holds &&= isSame && byRepository.length < all.length
      const left = `${byFile.length} by its document, ${byRepository.length} by the repository`
      rows.push(`${name}: ${all.length} findings; left are ${left}${isSame ? ', the same' : ', OTHERS'}`)
    }
    return { holds, lines: [PEER_VERSIONS, ...rows] }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Puts a repository where trivy has what it has downloaded, and names it in its configuration. */
function giveToTrivy(repository: string, { cache, data }: { readonly cache: string; readonly data: string }): void {
  const own = join(cache, 'vex/repositories/casemate')
  mkdirSync(own, { recursive: true })
  cpSync(join(repository, 'vex-repository.json'), join(own, 'vex-repository.json'))
  cpSync(repository, join(own, SPECIFICATION), { recursive: true })
  writeFileSync(join(own, 'cache.json'), JSON.stringify({ UpdatedAt: new Date().toISOString(), ETags: {} }))
  const configuration = join(data, '.trivy/vex')
  mkdirSync(configuration, { recursive: true })
  const entry = ['repositories:', '  - name: casemate', '    url: https://vex.example', '    enabled: true', '']
  writeFileSync(join(configuration, 'repository.yaml'), entry.join('\n'))
  process.env['XDG_DATA_HOME'] = data
}
