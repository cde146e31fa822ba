import { SandboxError } from '../errors.ts'
import type { Sandbox } from '../sandbox.ts'
import { bwrap } from './bwrap.ts'
import { podman } from './podman.ts'
import { runc } from './runc.ts'
import { unshare } from './unshare.ts'

/** Debian's package of a sandbox that is not named as it is. */
const PACKAGES: Readonly<Record<string, string>> = { bwrap: 'bubblewrap', unshare: 'util-linux' }

/** Every sandbox, in order of preference. */
export const sandboxes: readonly Sandbox[] = [bwrap, runc, podman, unshare]

/**
 * The sandbox of that name, or the first that works here: bwrap, runc, podman, unshare.
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
  const install = candidates.map(({ name }) => PACKAGES[name] ?? name).join(' or ')
  throw new SandboxError(
    'SANDBOX_MISSING',
    `cannot run programs of images here: install ${install} (${reasons.join('; ')})`,
  )
}
