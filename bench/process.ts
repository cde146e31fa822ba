import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** What one run of a program took. */
export interface ProcessCost {
  readonly seconds: number
  /** Processor time of the program and of all that it ran, user and system; other load of the machine hardly changes it. */
  readonly processorSeconds: number
  /** The largest resident size of the program itself that was seen, in MB (10^6 bytes). */
  readonly megabytes: number
  readonly output: string
}

const PEAK_INTERVAL = 20

/** Runs a program to its end and measures it from outside; one at a time. Rejects when it fails. */
export function measureProcess(
  command: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<ProcessCost> {
  const [program = '', ...args] = command
  return new Promise((resolve, reject) => {
    const start = performance.now()
    const startOfChildren = childSeconds()
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
      const processorSeconds = childSeconds() - startOfChildren
      if (status === 0) resolve({ seconds, processorSeconds, megabytes: peak, output: text })
      else reject(new Error(`cannot measure ${command.join(' ')}: it ended with ${status}\n${text}`))
    })
  })
}

/** The processor time of all children that have ended, and of theirs, in seconds: proc_pid_stat(5), cutime and cstime. */
function childSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ') ?? []
  return (Number(fields[13]) + Number(fields[14])) / TICKS_A_SECOND
}

/** USER_HZ, the same on every Linux that Node runs on. */
const TICKS_A_SECOND = 100

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
