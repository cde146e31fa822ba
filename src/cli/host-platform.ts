import { arch } from 'node:os'

const NAMES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }

/** The OCI platform whose programs this machine runs. */
export function hostPlatform(): string {
  return `linux/${NAMES[arch()] ?? arch()}`
}
