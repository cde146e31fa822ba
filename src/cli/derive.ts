import { arch } from 'node:os'
import type { DerivedRun, DerivedRunner, DerivedRunResult } from '#image'
import { formatPlatform, parsePlatform } from '#oci'
import { type ProgramResult, pickSandbox, runProgram, SandboxError } from '#sandbox'

/** A program of another architecture takes minutes under emulation; one that takes this long will not end. */
const TIMEOUT = 30 * 60 * 1000

/** The platform whose programs this machine runs. */
export function hostPlatform(): string {
  const names: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }
  return formatPlatform({ os: 'linux', architecture: names[arch()] ?? arch() })
}

/** Runs the programs of derived effects in the first sandbox that works here. */
export function derivedRunner(): DerivedRunner {
  return { platform: hostPlatform(), run }
}

async function run({ platform, ...program }: DerivedRun, times: number): Promise<readonly DerivedRunResult[]> {
  try {
    const { architecture } = parsePlatform(platform)
    const results = await runProgram(await pickSandbox(), { ...program, architecture, timeout: TIMEOUT }, times)
    return results.map(judge)
  } catch (error) {
    if (error instanceof SandboxError && error.code === 'SANDBOX_MISSING') {
      return [{ kind: 'unavailable', reason: error.message }]
    }
    throw error
  }
}

function judge({ ending, stderr, files }: ProgramResult): DerivedRunResult {
  if (ending.kind === 'exited' && ending.code === 0) return { kind: 'made', files }
  const how =
    ending.kind === 'exited' ? `ended with exit code ${ending.code}` : `did not end within ${TIMEOUT / 60_000} minutes`
  const words = stderr.text.trim().slice(-500)
  return { kind: 'failed', reason: words === '' ? how : `${how}: ${words}` }
}
