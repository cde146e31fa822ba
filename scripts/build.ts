/**
 * Makes `dist`, what npm packs: declarations by TypeScript, and the program in a few files by esbuild. Loading some 300
 * files one by one takes longer than most builds do. Dependencies stay where npm installs them.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'

const root = resolve(import.meta.dirname, '..')
const dist = join(root, 'dist')

/** What is started, or imported by others: everything else is reached from here. */
const entries = [
  ...['cli/main', 'image/io/member-worker', 'policy/io/policy-worker', 'sandbox/io/probe'],
  ...['debian/index', 'oci/index', 'solver/index'],
]

rmSync(dist, { recursive: true, force: true })
execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
await build({
  absWorkingDir: root,
  entryPoints: entries.map((entry) => `src/${entry}.ts`),
  outbase: 'src',
  outdir: 'dist',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.19',
  conditions: ['source'],
  packages: 'external',
  // Errors are called by the names of their classes.
  keepNames: true,
  logLevel: 'warning',
})
// What is read as it stands.
for (const folder of ['store/migrations', 'server/assets'])
  cpSync(join(root, 'src', folder), join(dist, folder), { recursive: true })
chmodSync(join(dist, 'cli/main.js'), 0o755)
