import { SandboxError } from '../errors.ts'
import type { Sandbox } from '../sandbox.ts'
import { bwrap } from './bwrap.ts'
import { podman } from './podman.ts'
import { runc } from './runc.ts'

/** Every sandbox, in order of preference. */
export const sandboxes: readonly Sandbox[] = [bwrap, runc, podman]

/**
 * The sandbox of that name, or the first that works here: bwrap, runc, podman.
 * Rejects with `SANDBOX_MISSING`, saying why each does not work and what to install.
 */
export async function pickSandbox(preference?: string): Promise<Sandbox> {
  const candidates = sandboxes.filter(({ name }) => preference === undefined || name === preference)
  if (candidates.length === 0) {
    const names = sandboxes.map(({ name }) => name).join(', ')
    throw new SandboxError('SANDBOX_MISSING', `cannot use sandbox "${preference}": want one of ${names}`)
  }
  const reasons: string[] = []
  for (const sandbox of candidates) {
    const reason = await sandbox.unavailable()
    if (reason === undefined) return sandbox
    reasons.push(reason)
  }
  const install = candidates.map(({ name }) => (name === 'bwrap' ? 'bubblewrap' : name)).join(' or ')
  throw new SandboxError('SANDBOX_MISSING', `cannot test images here: install ${install} (${reasons.join('; ')})`)
}
