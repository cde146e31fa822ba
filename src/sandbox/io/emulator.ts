import fs from 'node:fs'
import { delimiter, join } from 'node:path'
import { SandboxError } from '../errors.ts'

/** How another architecture's programs run here. */
export interface Emulator {
  /** As the outcome names it: `qemu-aarch64-static`. */
  readonly name: string
  /**
   * The emulator's path on the host, to be put before the command; absent where the kernel starts it by itself
   * (binfmt_misc), and then programs that the command starts are emulated as well.
   */
  readonly path?: string
}

const HOST: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }
const QEMU: Readonly<Record<string, string>> = {
  amd64: 'x86_64',
  '386': 'i386',
  arm64: 'aarch64',
  mips64le: 'mips64el',
}

/**
 * What runs programs of this architecture (as the image configuration names it); `undefined` when the host does.
 * Throws `SANDBOX_MISSING` when nothing here does.
 */
export function findEmulator(architecture: string): Emulator | undefined {
  if (architecture === (HOST[process.arch] ?? process.arch)) return undefined
  const qemu = `qemu-${QEMU[architecture] ?? architecture}`
  if (isRegistered(`/proc/sys/fs/binfmt_misc/${qemu}`)) return { name: `${qemu} (binfmt_misc)` }
  for (const name of [`${qemu}-static`, qemu]) {
    for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
      const path = join(directory, name)
      if (directory !== '' && fs.existsSync(path)) return { name, path: fs.realpathSync(path) }
    }
  }
  throw new SandboxError('SANDBOX_MISSING', `cannot run ${architecture} programs here: install qemu-user-static`)
}

/** Flag F: the kernel has the emulator open already, so it need not be in the container. */
function isRegistered(path: string): boolean {
  if (!fs.existsSync(path)) return false
  const text = fs.readFileSync(path, 'utf8')
  return text.startsWith('enabled') && /^flags: .*F/m.test(text)
}
