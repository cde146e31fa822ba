import type { DerivedOutcome, DerivedRun, DerivedRunner, DerivedRunResult } from '#image'
import { parsePlatform } from '#oci'
import { type ProgramResult, pickSandbox, runPrograms, SandboxError } from '#sandbox'
import { hostPlatform } from './host-platform.ts'

/** A program of another architecture takes minutes under emulation; one that takes this long will not end. */
const TIMEOUT = 30 * 60 * 1000

/** Runs the programs of derived effects in the first sandbox that works here. */
export function derivedRunner(): DerivedRunner {
  return { platform: hostPlatform(), run }
}

async function run({ platform, ...rest }: DerivedRun, times: number): Promise<DerivedRunResult> {
  try {
    const { architecture } = parsePlatform(platform)
    const results = await runPrograms(await pickSandbox(), { ...rest, architecture, timeout: TIMEOUT }, times)
    return { kind: 'ran', outcomes: results.map((runs) => runs.map(outcomeOf)) }
  } catch (error) {
    if (error instanceof SandboxError && error.code === 'SANDBOX_MISSING') {
      return { kind: 'unavailable', reason: error.message }
    }
    throw error
  }
}

function outcomeOf({ ending, stderr, files }: ProgramResult): DerivedOutcome {
  if (ending.kind === 'exited' && ending.code === 0) return { kind: 'made', files }
  const how =
    ending.kind === 'exited' ? `ended with exit code ${ending.code}` : `did not end within ${TIMEOUT / 60_000} minutes`
  const words = stderr.text.trim().slice(-500)
  return { kind: 'failed', reason: words === '' ? how : `${how}: ${words}` }
}
