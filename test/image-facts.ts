/** Builds the whole catalogue from today's archive and writes what its pages say of sizes and packages: `npm run facts`. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Finished } from '../src/cli/catalog-build.ts'
import type { ImageFact, ImageFacts } from './image-pages.ts'

const root = resolve(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'casemate-facts-'))
try {
  const cli = ['--conditions=source', join(root, 'src/cli/main.ts')]
  const args = [...cli, 'catalog', 'build', '--json', '-o', `oci:${folder}/images`]
  const built = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 2 ** 28 })
  if (built.status !== 0) throw new Error(`cannot build the catalogue: exit code ${built.status}`)
  const parsed: readonly Finished[] = JSON.parse(built.stdout.toString('utf8'))
  const images = parsed.map(({ name, variant, platforms }): ImageFact => {
    const sizes = platforms.map(({ platform, compressed, unpacked, packages }) => {
      return { platform, compressed, unpacked, packages: packages.length }
    })
    const packages = platforms[0]?.packages ?? []
    return { name, variant, platforms: sizes, ...(variant === 'runtime' ? { packages } : {}) }
  })
  const scripts = new Map(
    parsed.flatMap(({ platforms }) =>
      platforms.flatMap((one) => one.scripts.map((script) => [JSON.stringify(script), script] as const)),
    ),
  )
  const facts: ImageFacts = {
    date: new Date().toISOString().slice(0, 10),
    images,
    scripts: [...scripts.keys()].sort().flatMap((key) => scripts.get(key) ?? []),
  }
  mkdirSync(join(root, 'docs/images'), { recursive: true })
  writeFileSync(join(root, 'docs/images/facts.json'), `${JSON.stringify(facts, null, 1)}\n`)
  console.log(`wrote docs/images/facts.json: ${images.length} variants`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
