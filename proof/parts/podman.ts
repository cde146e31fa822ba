import { runOrThrow } from './command.ts'

/** What podman must be told where an unprivileged root may not raise limits. */
export const LIMITS: readonly string[] = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024']

/** Runs podman with Debian's runc and gives what it wrote to standard output. */
export function podman(args: readonly string[]): Promise<string> {
  return runOrThrow(['podman', '--runtime=runc', ...args])
}

/** Pulls an image out of a layout into podman's storage and gives its id. */
export async function pullImage(reference: string): Promise<string> {
  return (await podman(['pull', '--quiet', reference])).trim()
}
