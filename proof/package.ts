import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** `npm pack` gives a package that installs into an empty folder and builds a catalogue image there. */
export async function run(): Promise<{ holds: boolean; lines: string[] }> {
  const root = mkdtempSync(join(tmpdir(), 'casemate-package-'))
  const execute = (program: string, args: readonly string[], cwd: string) =>
    execFileSync(program, args, { cwd, encoding: 'utf8', env: { ...process.env, XDG_CACHE_HOME: join(root, 'cache') } })
  try {
    execute('npm', ['pack', '--silent', '--pack-destination', root], resolve(import.meta.dirname, '..'))
    const tarball = readdirSync(root).find((name) => name.endsWith('.tgz')) ?? ''
    execute('npm', ['init', '--yes'], root)
    execute('npm', ['install', '--silent', '--no-audit', '--no-fund', join(root, tarball)], root)
    const start = performance.now()
    const built = execute(join(root, 'node_modules/.bin/casemate'), ['build', 'static', '--json'], root)
    const seconds = (performance.now() - start) / 1000
    const { digest, platforms }: { digest?: unknown; platforms?: readonly unknown[] } = JSON.parse(built)
    return {
      holds: typeof digest === 'string' && platforms?.length === 2,
      lines: [
        `${tarball}: installed into an empty folder`,
        `casemate build static there: ${String(digest)} for ${platforms?.length} platforms in ${seconds.toFixed(1)} s`,
      ],
    }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
