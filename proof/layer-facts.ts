import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readInventory } from '../src/cli/image-inventory.ts'
import { runOrThrow } from './parts/command.ts'

const CLI = join(import.meta.dirname, '../src/cli/main.ts')
const IMAGES = ['java-21', 'kubectl', 'node', 'postgres', 'python', 'ruby']

/**
 * Builds images of the catalogue, in all variants, in a new cache, and holds what the builds left of their layers against what scans
 * read in the same layers. Holds when every record is the same to the byte, and none is missing. Arguments are names of images.
 */
export async function run(names: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const root = mkdtempSync(join(tmpdir(), 'casemate-layer-facts-'))
  const env = { XDG_CACHE_HOME: join(root, 'cache') }
  const casemate = (...args: readonly string[]) =>
    runOrThrow([process.execPath, '--conditions=source', CLI, ...args], { env })
  try {
    const images = names.length === 0 ? IMAGES : names
    const options = ['--platform', 'linux/amd64', '-o', `oci:${join(root, 'out')}`, '--json']
    const built: readonly { place: string }[] = JSON.parse(await casemate('catalog', 'build', ...images, ...options))
    const [left, read] = [join(root, 'left'), join(root, 'cache/casemate/layer-facts')]
    renameSync(read, left)
    process.env['XDG_CACHE_HOME'] = env.XDG_CACHE_HOME
    for (const { place } of built) await readInventory(place, 'linux/amd64')
    return compare(left, read, built.length)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

function compare(left: string, read: string, images: number): { holds: boolean; lines: string[] } {
  const [ofBuilds, ofScans] = [readdirSync(left), readdirSync(read)]
  const names = [...new Set([...ofBuilds, ...ofScans])].sort()
  const others = names.filter((name) => {
    if (!ofBuilds.includes(name) || !ofScans.includes(name)) return true
    return !readFileSync(join(left, name)).equals(readFileSync(join(read, name)))
  })
  const bytes = ofScans.reduce((sum, name) => sum + readFileSync(join(read, name)).length, 0)
  return {
    holds: others.length === 0 && names.length > 0,
    lines: [
      `${images} images; ${ofScans.length} layers worth remembering, ${bytes} bytes of facts read in them`,
      `left by the builds as well, to the byte: ${names.length - others.length}; not so: ${others.length}`,
      ...others.map((name) => `  ${name}`),
    ],
  }
}
