import { cp, mkdir, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { runOrThrow } from './command.ts'

/** The npm package of this checkout, installed into a folder. */
export interface InstalledPackage {
  /** The package's own folder, with `images/`, `archives/` and `package.json`. */
  readonly folder: string
  /** The program, to be run by a Node. */
  readonly program: string
}

/** Packs the checkout and installs the package below `root`, as a stranger would. */
export async function installPacked(root: string): Promise<InstalledPackage> {
  const checkout = resolve(import.meta.dirname, '../..')
  const packed = join(root, 'packed')
  await mkdir(packed)
  await runOrThrow(['npm', 'pack', '--silent', '--pack-destination', packed], { cwd: checkout })
  const [tarball = ''] = await readdir(packed)
  const folder = join(root, 'installed')
  await installInto(folder, join(packed, tarball))
  return packageIn(folder)
}

/** A copy of an installed package, with its dependencies, that may be changed. */
export async function copyInstalled({ folder }: InstalledPackage, root: string): Promise<InstalledPackage> {
  await cp(resolve(folder, '../..'), root, { recursive: true, verbatimSymlinks: true })
  return packageIn(root)
}

/** Installs a release of Node from npm, e.g. `22`, below `root` and gives its executable. */
export async function installNode(release: string, root: string): Promise<string> {
  const folder = join(root, `node-${release}`)
  await installInto(folder, `node@${release}`)
  return join(folder, 'node_modules/node/bin/node')
}

function installInto(folder: string, what: string): Promise<string> {
  return runOrThrow(['npm', 'install', '--silent', '--no-audit', '--no-fund', '--prefix', folder, what])
}

function packageIn(root: string): InstalledPackage {
  const folder = join(root, 'node_modules/casemate')
  return { folder, program: join(folder, 'dist/cli/main.js') }
}
