import { spawn } from 'node:child_process'

/** How a program ended. */
export interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end, whatever its status; `env` is added to our own environment. */
export function runProgram(
  [program = '', ...args]: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const output = { stdout: '', stderr: '' }
    for (const kind of ['stdout', 'stderr'] as const) {
      child[kind].setEncoding('utf8').on('data', (text: string) => {
        output[kind] += text
      })
    }
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, ...output }))
  })
}

/** Runs a program that must succeed, and gives what it wrote to standard output. */
export async function runOrThrow(
  command: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const { status, stdout, stderr } = await runProgram(command, options)
  if (status === 0) return stdout
  throw new Error(
    `cannot run ${command.join(' ')}: it ended with ${status}: ${stderr.trim()} ${stdout.slice(-2000).trim()}`,
  )
}

/** Runs a line of sh whose `$1`, `$2` … are the arguments; every part of a pipe must succeed. */
export function runShell(line: string, ...args: readonly string[]): Promise<string> {
  return runOrThrow(['bash', '-o', 'pipefail', '-ec', line, 'bash', ...args])
}
