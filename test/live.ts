/**
 * The live part of CI, on today's Debian: what the README says, step by step, in an empty folder with an empty cache, and
 * one image more. Ends with 1 when a step fails, and with 75 (EX_TEMPFAIL) when the network is the cause.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { installDebianPackages } from './debian-packages.ts'
import { unreachableUrl } from './network-fault.ts'
import { type ReadmeStep, readmeSteps } from './readme-blocks.ts'

const NETWORK_FAULT = 75
const root = resolve(import.meta.dirname, '..')

/** The installation has been when this runs, and the tests are another step of CI. */
function liveSteps(): readonly ReadmeStep[] {
  const readme = readmeSteps(readFileSync(join(root, 'README.md'), 'utf8')).flatMap((step): ReadmeStep[] => {
    if (step.kind === 'definition') return [step]
    const line = step.line.replace(/^npm ci && /, '')
    return line === 'npm test' ? [] : [{ kind: 'command', line }]
  })
  return [
    ...readme,
    { kind: 'command', line: 'npx casemate build base --platform linux/amd64' },
    { kind: 'command', line: 'npx casemate test oci:./out:base --platform linux/amd64' },
  ]
}

/** Runs a line as a reader would; gives what it wrote to standard error when it failed. */
function runCommand(line: string, folder: string): string | undefined {
  const start = performance.now()
  console.log(`\n$ ${line}`)
  // Offline, npx never takes a package of the same name from a registry for ours.
  const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache'), npm_config_offline: 'true' }
  const { status, stdout, stderr } = spawnSync(line, { cwd: folder, env, shell: true, encoding: 'utf8' })
  process.stdout.write(stdout)
  process.stderr.write(stderr)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(status === 0 ? `passed in ${seconds} s` : `FAILED with status ${status} after ${seconds} s`)
  return status === 0 ? undefined : stderr
}

async function runAll(folder: string): Promise<number> {
  let passed = 0
  const failed: string[] = []
  for (const step of liveSteps()) {
    if (step.kind === 'definition') {
      mkdirSync(join(folder, dirname(step.path)), { recursive: true })
      writeFileSync(join(folder, step.path), step.text)
      continue
    }
    const error = runCommand(step.line, folder)
    const url = error === undefined ? undefined : await unreachableUrl(error)
    if (url !== undefined) {
      console.log(`network fault: ${url} does not answer`)
      return NETWORK_FAULT
    }
    if (error === undefined) passed++
    else failed.push(step.line)
  }
  console.log(['', ...failed.map((line) => `FAILED ${line}`), `${passed} passed, ${failed.length} failed`].join('\n'))
  return failed.length === 0 ? 0 : 1
}

installDebianPackages(['bubblewrap'])
const folder = mkdtempSync(join(tmpdir(), 'casemate-live-'))
try {
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  process.exitCode = await runAll(folder)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
