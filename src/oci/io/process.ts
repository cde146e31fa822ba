import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { hasSystemCode } from '#core'

/** How a program ended: its exit code (`undefined` when a signal ended it) and what it wrote. */
export interface ProcessResult {
  readonly exitCode: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** The most bytes of a program's output that are kept. */
const OUTPUT_BYTES = 1024 * 1024

/**
 * Runs a program by name with `input` on its standard input. A program that stops reading early is judged by its exit
 * code. Rejects when it cannot be started, when `input` fails (the program is ended then) and when `signal` aborts.
 */
export async function runProcess(
  command: readonly [string, ...string[]],
  input: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: { signal?: AbortSignal; environment?: NodeJS.ProcessEnv } = {},
): Promise<ProcessResult> {
  const [program, ...args] = command
  const { signal, environment } = options
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(signal ? { signal } : {}),
    ...(environment ? { env: environment } : {}),
  })
  const ended = once(child, 'close')
  const outputs = [readText(child.stdout), readText(child.stderr)] as const
  const fed = pipeline(Readable.from(input), child.stdin).catch((error: unknown) => {
    if (isBrokenPipe(error)) return
    child.kill('SIGKILL')
    throw error
  })
  const [fedResult, endedResult] = await Promise.allSettled([fed, ended])
  if (endedResult.status === 'rejected') throw endedResult.reason
  if (fedResult.status === 'rejected') throw fedResult.reason
  const [stdout, stderr] = await Promise.all(outputs)
  return { exitCode: child.exitCode ?? undefined, stdout, stderr }
}

/** Reads to the end and keeps the beginning. */
async function readText(stream: Readable): Promise<string> {
  const kept: Buffer[] = []
  let size = 0
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) continue
    if (size < OUTPUT_BYTES) kept.push(chunk)
    size += chunk.length
  }
  return Buffer.concat(kept).subarray(0, OUTPUT_BYTES).toString()
}

function isBrokenPipe(error: unknown): boolean {
  return hasSystemCode(error, 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE')
}
