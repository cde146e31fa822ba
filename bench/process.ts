import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** What one run of a program took. */
export interface ProcessCost {
  readonly seconds: number
  /** The largest resident size that was seen, in MB (10^6 bytes). */
  readonly megabytes: number
  readonly output: string
}

const PEAK_INTERVAL = 20

/** Runs a program to its end and measures it from outside. Rejects when it fails. */
export function measureProcess(
  command: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<ProcessCost> {
  const [program = '', ...args] = command
  return new Promise((resolve, reject) => {
    const start = performance.now()
    const child = spawn(program, args, {
      ...options,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const output: Buffer[] = []
    let peak = 0
    const watch = setInterval(() => {
      peak = Math.max(peak, peakOf(child.pid))
    }, PEAK_INTERVAL)
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk))
    child.on('error', reject)
    child.on('close', (status) => {
      clearInterval(watch)
      const seconds = (performance.now() - start) / 1000
      const text = Buffer.concat(output).toString('utf8')
      if (status === 0) resolve({ seconds, megabytes: peak, output: text })
      else reject(new Error(`cannot measure ${command.join(' ')}: it ended with ${status}\n${text}`))
    })
  })
}

/** The kernel's own high-water mark of a process's resident size, in MB; 0 once it is gone. */
function peakOf(pid: number | undefined): number {
  try {
    const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return (Number(match?.[1] ?? 0) * 1024) / 1e6
  } catch {
    return 0
  }
}

/** The middle of some numbers; of an even count the lower middle. */
export function median(numbers: readonly number[]): number {
  return numbers.toSorted((left, right) => left - right)[Math.floor((numbers.length - 1) / 2)] ?? Number.NaN
}
