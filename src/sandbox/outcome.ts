/** A program's output as text, at most `OUTPUT_LIMIT` bytes of it. */
export interface Output {
  readonly text: string
  /** Whether the program wrote more than was kept. */
  readonly truncated: boolean
}

/** Bytes kept of each output, and of each file and reply that is looked at. */
export const OUTPUT_LIMIT = 1024 * 1024

/** How the program ended, if there was one. An exit code over 128 is 128 and the number of the signal that killed it. */
export type Ending =
  | { readonly kind: 'none' }
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'not-started'; readonly reason: string }

/** What a path was, links followed, once the program had ended. */
export interface FileState {
  readonly type: 'file' | 'directory' | 'other'
  readonly mode: number
  /** Of files: the beginning of their content, as UTF-8. */
  readonly content?: string
}

/** What a probe heard back. */
export type ProbeReply =
  | { readonly kind: 'http'; readonly status: number; readonly headers: Record<string, string>; readonly body: string }
  | { readonly kind: 'tcp'; readonly received: string }
  | { readonly kind: 'unreachable'; readonly reason: string }

/** What came of a service, as far as it got. */
export interface ServiceOutcome {
  readonly ready: boolean
  /** TCP ports that were listened on when it was ready, in numeric order. */
  readonly listening: readonly number[]
  readonly reply?: ProbeReply
  /** How it took the stop signal; absent when it was not asked to stop. */
  readonly stopped?: Ending
}

/** What was enforced while the program ran, and how. */
export interface Limits {
  /** `group`: all processes together; `process`: each process's private memory; `none`: no limit was asked for. */
  readonly memory: 'group' | 'process' | 'none'
  /** The program that ran another architecture's code, e.g. `qemu-aarch64-static`. */
  readonly emulator?: string
  /** What the sandbox promises and could not enforce, in words; absent where there is nothing. */
  readonly notEnforced?: readonly string[]
}

/** All that was seen of one test's run; verdicts are made from this and nothing else. */
export interface Outcome {
  readonly ending: Ending
  readonly stdout: Output
  readonly stderr: Output
  /** By the path that the test names; `undefined` where there is none. */
  readonly files: ReadonlyMap<string, FileState | undefined>
  readonly service?: ServiceOutcome
  /** Milliseconds. */
  readonly duration: number
  readonly limits: Limits
}
