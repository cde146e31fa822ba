import type { Effect } from './effects/effect.ts'
import { findUser, type RunAs } from './execution.ts'

/** Where an image carries its contract. */
export const CONTRACT_PATH = '/usr/share/casemate/contract.json'

/**
 * Writes what the image promises to whoever runs it, as a versioned document of its own. `runAs` is the definition's;
 * `contract` gives the document's text once the user is known as numbers. Throws `DEFINITION_INVALID` when applied to an
 * image without that user.
 */
export function contractFile(runAs: string, contract: (user: RunAs) => string): Effect {
  return {
    name: 'contract',
    summary: "Writes the image's contract (user, entrypoint, ports, writable paths, signal) to /usr/share/casemate.",
    apply: ({ tree, read }) => {
      const passwd = tree.resolve('/etc/passwd')
      const user = findUser(runAs, passwd === undefined ? '' : Buffer.from(read(passwd)).toString('utf8'))
      const content = Buffer.from(`${contract(user)}\n`)
      return [{ type: 'file', path: CONTRACT_PATH, mode: 0o644, uid: 0, gid: 0, content }]
    },
  }
}
