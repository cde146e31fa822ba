import type { ImageConfig } from './image-config.ts'

/** A program's output as text, at most `OUTPUT_LIMIT` bytes of it. */
export interface Output {
  readonly text: string
  /** Whether the program wrote more than was kept. */
  readonly truncated: boolean
}

/** Bytes kept of each output, and of each reply that is looked at. */
export const OUTPUT_LIMIT = 1024 * 1024

/** Bytes read of each file that is looked at. */
export const FILE_LIMIT = 16 * 1024 * 1024

/** How the program ended, if there was one. An exit code over 128 is 128 and the number of the signal that killed it. */
export type Ending =
  | { readonly kind: 'none' }
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'not-started'; readonly reason: string }

/** What a path was once the program had ended. */
export interface FileState {
  readonly type: 'file' | 'directory' | 'link' | 'other'
  readonly mode: number
  /** The owner; absent where it cannot be told: without root, of what a program has made. */
  readonly owner?: { readonly uid: number; readonly gid: number }
  /** Of files: the beginning of their content, as UTF-8. */
  readonly content?: Output
}

/** How a command before or after a test's program ended. */
export interface CommandOutcome {
  readonly argv: readonly string[]
  readonly ending: Ending
  readonly stderr: Output
}

/** What a command that ran beside a service did, the last time that it ran. */
export interface CommandOutput {
  readonly ending: Ending
  readonly stdout: Output
  readonly stderr: Output
}

/** Texts of licences by path; `undefined` where there is none. */
export interface LicenceOutcome {
  /** Whether there is a folder of documentation at all. */
  readonly hasFolder: boolean
  readonly texts: ReadonlyMap<string, Output | undefined>
}

/** What a probe heard back. */
export type ProbeReply =
  | { readonly kind: 'http'; readonly status: number; readonly headers: Record<string, string>; readonly body: string }
  | { readonly kind: 'tcp'; readonly received: string }
  | ({ readonly kind: 'command'; readonly attempts: number } & CommandOutput)
  | { readonly kind: 'no-healthcheck' }
  | { readonly kind: 'unreachable'; readonly reason: string }

/** What came of a service, as far as it got. */
export interface ServiceOutcome {
  readonly ready: boolean
  /** TCP ports that were listened on when it was ready, in numeric order. */
  readonly listening: readonly number[]
  readonly reply?: ProbeReply
  /** Milliseconds from the program's start until it was ready and had answered the probe; what probing costs by itself is not counted. */
  readonly startup?: number
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
  /** How the commands around the program ended, in order, for a test that has some; it goes no further than one that fails. */
  readonly around?: readonly CommandOutcome[]
  /** What the licences were found to be; absent unless asked for. */
  readonly licences?: LicenceOutcome
  /** The image's config; absent unless asked for. */
  readonly config?: ImageConfig
  readonly service?: ServiceOutcome
  /** Milliseconds. */
  readonly duration: number
  readonly limits: Limits
}
