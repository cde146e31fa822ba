import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { Duplex, type Readable, type Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { hasSystemCode, messageOf } from '#core'
import { SandboxError } from '../errors.ts'
import { type Ending, OUTPUT_LIMIT, type Output } from '../outcome.ts'
import type { RunningProgram } from '../sandbox.ts'

/** The variables that runtimes need to find their files; nothing else of our environment is handed on. */
export function toolEnvironment(): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const name of ['PATH', 'HOME', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS', 'TMPDIR', 'LANG']) {
    const value = process.env[name]
    if (value !== undefined) environment[name] = value
  }
  return environment
}

/** Starts a tool with nothing of our environment but what tools need. */
export function startTool(argv: readonly [string, ...string[]], options: SpawnOptions): ChildProcess {
  const [program, ...args] = argv
  return spawn(program, args, { ...options, env: toolEnvironment() })
}

/** The standard streams of a child that was started with pipes for them. */
export function standardStreams(child: ChildProcess): { stdin: Writable; stdout: Readable; stderr: Readable } {
  const { stdout, stderr } = child
  if (!stdout || !stderr) throw new SandboxError('SANDBOX_FAILED', 'cannot start a program: it has no pipes')
  return { stdin: standardInput(child), stdout, stderr }
}

/** The standard input of a child that was started with a pipe for it. */
function standardInput({ stdin }: ChildProcess): Writable {
  if (!stdin) throw new SandboxError('SANDBOX_FAILED', 'cannot start a program: it has no pipe to read from')
  // Programs need not read what they are given.
  stdin.on('error', () => {})
  return stdin
}

/** Starts a tool that runs a container's program, with nothing to read and pipes for what it writes. */
export function startProgram([program = '', ...args]: readonly string[]): RunningProgram {
  const child = startTool([program, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  const { stdin, ...outputs } = standardStreams(child)
  stdin.end()
  return { ...outputs, exited: exitCodeOf(child) }
}

/** A pipe beyond the standard ones. */
export function extraPipe(child: ChildProcess, fd: number): Duplex {
  const pipe = child.stdio[fd]
  if (pipe instanceof Duplex) {
    // A program that is ended before it has read what it was given resets its pipe; who reads is told of it all the same.
    if (pipe.listenerCount('error') === 0) pipe.on('error', () => {})
    return pipe
  }
  throw new SandboxError('SANDBOX_FAILED', `cannot start a program: its descriptor ${fd} is no pipe`)
}

/** The exit code of a child, or 128 and the signal's number, once it is gone and its pipes are closed. */
export function exitCodeOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)))
  })
}

/** Whether a child is gone, or never came. */
export function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null
}

/** Sends a signal to a process of ours, which may be ending at this moment. */
export function sendSignal(pid: number, signal: number | NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!hasSystemCode(error, 'ESRCH')) throw error
  }
}

/** Runs a short tool to its end and gives its stdout. Rejects with `SANDBOX_FAILED` and its stderr when it fails. */
export async function runTool(argv: readonly [string, ...string[]]): Promise<string> {
  try {
    const child = startTool(argv, { stdio: ['ignore', 'pipe', 'pipe'] })
    const [code, stdout, stderr] = await Promise.all([exitCodeOf(child), textOf(child.stdout), textOf(child.stderr)])
    if (code === 0) return stdout
    throw new Error(`exit code ${code}: ${stderr.trim().slice(-500)}`)
  } catch (cause) {
    const reason = messageOf(cause)
    throw new SandboxError('SANDBOX_FAILED', `cannot run ${argv.slice(0, 3).join(' ')}: ${reason}`, { cause })
  }
}

/** The version in the first line of what a tool says of itself. Rejects with `SANDBOX_FAILED`. */
export async function versionOf(tool: string): Promise<string> {
  const [line = ''] = (await runTool([tool, '--version'])).split('\n')
  return /[0-9][^ ]*$/.exec(line.trim())?.[0] ?? line.trim()
}

/** An output that is being read: what came so far, and all of it once the program has closed it. */
export interface OutputReader {
  soFar(): string
  readonly whole: Promise<Output>
}

/** Reads a stream to its end, keeping its first `OUTPUT_LIMIT` bytes. */
export function readOutput(stream: Readable): OutputReader {
  const kept: Buffer[] = []
  let room = OUTPUT_LIMIT
  let truncated = false
  const soFar = () => Buffer.concat(kept).toString()
  const read = async () => {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (chunk.length > room) truncated = true
      if (room > 0) kept.push(chunk.subarray(0, room))
      room = Math.max(0, room - chunk.length)
    }
    return { text: soFar(), truncated }
  }
  return { soFar, whole: read() }
}

/** How a program ends within a time, in milliseconds. Rejects with the signal's reason. */
export async function awaitEnd(program: RunningProgram, milliseconds: number, signal?: AbortSignal): Promise<Ending> {
  const timer = new AbortController()
  const stop = signal ? AbortSignal.any([timer.signal, signal]) : timer.signal
  try {
    return await Promise.race([
      program.exited.then((code): Ending => ({ kind: 'exited', code })),
      delay(milliseconds, undefined, { signal: stop }).then((): Ending => ({ kind: 'timed-out' })),
    ])
  } finally {
    timer.abort()
  }
}

/** Asks again every few milliseconds until there is an answer; `undefined` when `goOn` says no. */
export async function poll<T>(ask: () => T | undefined, goOn: () => boolean): Promise<T | undefined> {
  for (let pause = 1; ; pause = Math.min(pause * 2, 20)) {
    const answer = ask()
    if (answer !== undefined || !goOn()) return answer
    await delay(pause)
  }
}

function textOf(stream: Readable | null): Promise<string> {
  return stream ? text(stream) : Promise.resolve('')
}

/** What an error says, whatever was thrown. */
export function reasonOf(error: unknown): string {
  return messageOf(error)
}
