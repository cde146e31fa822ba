import fs from 'node:fs'
import { fileURLToPath } from 'node:url'
import { programFile } from '#core'
import type { NetworkProbe } from '../image-test.ts'
import { parseListeningPorts } from '../listening-ports.ts'
import { OUTPUT_LIMIT, type ProbeReply } from '../outcome.ts'
import type { ProbeRequest } from './probe.ts'
import { runTool } from './process.ts'

const PROBE = fileURLToPath(programFile('sandbox/io/probe'))

/** The TCP ports that are listened on in the network namespace of a process; none once it is gone. */
export function listeningPorts(pid: number): number[] {
  return parseListeningPorts(...['tcp', 'tcp6'].map((name) => readTable(`/proc/${pid}/net/${name}`)))
}

/**
 * Asks a service once, and says how many milliseconds it took to answer: from inside its network namespace, which needs no client in the image. Root enters the namespace
 * alone; who is not root enters the user namespace that owns it as well, being its maker.
 */
export async function askService(
  probe: NetworkProbe,
  target: { pid: number; network: 'none' | 'host'; timeout: number },
): Promise<{ readonly reply: ProbeReply; readonly took: number }> {
  const limits = { port: probe.port, limit: OUTPUT_LIMIT, timeout: target.timeout }
  const request: ProbeRequest =
    probe.kind === 'http'
      ? { kind: 'http', path: probe.path, ...limits }
      : { kind: 'tcp', send: probe.send ?? '', awaited: probe.contains ?? '', ...limits }
  const argv = [process.execPath, '--no-warnings', PROBE, JSON.stringify(request)]
  const [program = '', ...args] = target.network === 'host' ? argv : [...enterNetwork(target.pid), ...argv]
  return JSON.parse(await runTool([program, ...args]))
}

function enterNetwork(pid: number): string[] {
  const asRoot = process.getuid?.() === 0
  return ['nsenter', `--target=${pid}`, ...(asRoot ? [] : ['--user', '--preserve-credentials']), '--net', '--']
}

function readTable(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EINVAL') return ''
    throw error
  }
}
