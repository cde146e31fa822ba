/**
 * Makes the image of Casemate by Casemate: `npm run image [-- --platform linux/arm64] [--lock FILE] [--out DIR] [--untested]`. Packs the
 * program, installs what it needs in production, takes Node's own npm package by its SHA-256, builds `deploy/casemate` with these
 * into an OCI layout, and tests it. With the same lock and the same checkout it is the same digest.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const root = resolve(import.meta.dirname, '..')
const deploy = join(root, 'deploy/casemate')
const { values } = parseArgs({
  options: {
    platform: { type: 'string', default: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}` },
    lock: { type: 'string' },
    out: { type: 'string', default: join(root, 'out') },
    untested: { type: 'boolean', default: false },
  },
})
const out = resolve(values.out)
/** The definition with everything that it takes in. */
const place = join(out, 'casemate-image')
const image = `oci:${join(out, 'casemate')}`

function run(program: string, args: readonly string[], cwd = root): void {
  const { status, error } = spawnSync(program, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] })
  if (error !== undefined) throw error
  // It has said why.
  if (status !== 0) process.exit(status ?? 1)
}

/** Packs what npm knows under a name, and gives the file. */
function pack(name: string, folder: string): string {
  mkdirSync(folder, { recursive: true })
  run('npm', ['pack', '--silent', '--pack-destination', folder, name])
  const [file = ''] = readdirSync(folder)
  return join(folder, file)
}

function unpack(file: string, folder: string, ...members: readonly string[]): void {
  mkdirSync(folder, { recursive: true })
  run('tar', ['-xzf', file, '-C', folder, '--strip-components=1', '--no-same-owner', ...members])
}

function layProgram(): void {
  const app = join(place, 'app')
  unpack(pack(root, join(place, 'packed')), app)
  cpSync(join(root, 'package-lock.json'), join(app, 'package-lock.json'))
  run('npm', ['ci', '--omit=dev', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'], app)
  // What npm notes for itself says where from and how it installed: that is no part of the program.
  for (const name of ['package-lock.json', 'node_modules/.package-lock.json', 'node_modules/.bin'])
    rmSync(join(app, name), { recursive: true })
}

function layNode(): void {
  const { version, packages } = JSON.parse(readFileSync(join(deploy, 'node.json'), 'utf8'))
  const found = packages[values.platform]
  if (found === undefined) throw new Error(`cannot take Node for ${values.platform}: node.json does not name it`)
  const { name, sha256 } = found
  const file = pack(`${name}@${version}`, join(place, 'packed-node'))
  const digest = createHash('sha256').update(readFileSync(file)).digest('hex')
  if (digest !== sha256) throw new Error(`cannot take ${name} ${version}: its SHA-256 is ${digest}, want ${sha256}`)
  unpack(file, join(place, 'unpacked-node'), 'package/bin/node')
  cpSync(join(place, 'unpacked-node/bin/node'), join(place, 'node'))
}

rmSync(place, { recursive: true, force: true })
mkdirSync(place, { recursive: true })
cpSync(join(deploy, 'casemate.yaml'), join(place, 'casemate.yaml'))
layProgram()
layNode()
if (values.lock !== undefined) cpSync(values.lock, join(place, 'casemate.lock'))
// The program that was just packed builds itself.
const casemate = (...args: readonly string[]) => run(process.execPath, [join(root, 'dist/cli/main.js'), ...args])
// Packages that a lock names stay; what it says of the program does not.
casemate('lock', place)
rmSync(join(out, 'casemate'), { recursive: true, force: true })
casemate('build', place, '--platform', values.platform, '-o', image)
if (!values.untested) casemate('test', image, '--definition', place)
