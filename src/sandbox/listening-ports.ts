/**
 * The TCP ports in state LISTEN of one or more `/proc/PID/net/tcp` and `tcp6` texts (proc_pid_net(5)),
 * in numeric order, each once.
 */
export function parseListeningPorts(...tables: readonly string[]): number[] {
  const ports = new Set<number>()
  for (const table of tables) {
    for (const line of table.split('\n').slice(1)) {
      const [, local, , state] = line.trim().split(/\s+/)
      const port = local?.slice(local.lastIndexOf(':') + 1)
      if (state === '0A' && port) ports.add(Number.parseInt(port, 16))
    }
  }
  return [...ports].sort((a, b) => a - b)
}
