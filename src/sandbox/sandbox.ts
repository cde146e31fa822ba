import type { Readable } from 'node:stream'
import type { Limits } from './outcome.ts'

/** A program to run in an image's files: everything is decided, nothing is looked up any more. */
export interface LaunchSpec {
  /** A directory of ours alone; the driver may keep files of its own in it, under names that begin with `id`. */
  readonly directory: string
  /** The image's root on the host; no program of it can write there, unless this is a copy for it. Mount points exist. */
  readonly root: string
  readonly rootIsWritable?: boolean
  /** Unique among all containers of this host; letters, digits and `-`. */
  readonly id: string
  readonly argv: readonly [string, ...string[]]
  readonly environment: Readonly<Record<string, string>>
  readonly workDir: string
  /** All that the program finds on its standard input, which it can open again by name. */
  readonly stdin: string
  readonly user: { readonly uid: number; readonly gid: number }
  /** Absolute and free of links in the image; each becomes an empty tmpfs of the user's. */
  readonly writable: readonly { readonly path: string; readonly mode: number }[]
  /** `none`: loopback alone; or that of another container of the same sandbox, by its number and name. */
  readonly network: 'none' | 'host' | { readonly pid: number; readonly id: string }
  /** Bytes. */
  readonly memory?: number
  /** A static program of the host that is put, read-only, at `EMULATOR_PATH` in the container. */
  readonly emulator?: string
  /** Another image's root on the host, which is put, read-only, at `HELPER_PATH` in the container. */
  readonly helper?: string
}

/** What a program in a container that runs already is started with; its user is the container's, its input empty. */
export type EntrySpec = Pick<LaunchSpec, 'argv' | 'environment' | 'user' | 'workDir'>

/** Where a program that runs another architecture's code stands in a container. */
export const EMULATOR_PATH = '/dev/casemate-emulator'

/** Where another image's files stand in a container. */
export const HELPER_PATH = '/dev/casemate-helper'

/** Bytes that a writable path can hold when the test sets no memory limit. */
export const WRITABLE_BYTES = 256 * 1024 ** 2

/** A program that runs. */
export interface RunningProgram {
  readonly stdout: Readable
  readonly stderr: Readable
  /** The exit code, or 128 and the number of the signal, once the program and all its children are gone. */
  readonly exited: Promise<number>
}

/** A container whose namespaces and mounts stand, and whose program has not begun. */
export interface Container {
  /** A process in the container's network namespace and the user namespace that owns it, as the host numbers it. */
  readonly pid: number
  /** A path on the host at which the container's root, with its mounts, can be reached until the program has ended. */
  readonly root: string
  readonly limits: Limits
  /** Lets the program begin. Once only. */
  begin(): RunningProgram
  /**
   * Runs another program in the container while its own runs: same namespaces, files and user, no capability, no new
   * privileges. It ends with the container at the latest. Throws `SANDBOX_FAILED` where the sandbox cannot do it safely.
   */
  enter(spec: EntrySpec): RunningProgram
  /** Sends a signal, by number, to the program, which is process 1 in its namespace. */
  signal(number: number): Promise<void>
  /** Ends every process and removes what the driver made. Idempotent; never rejects because all is gone already. */
  destroy(): Promise<void>
}

/**
 * A way to run a program in an image's files, cut off from the host: as the given user by number, with a read-only
 * root, no capability, no new privileges, the writable paths as tmpfs, its own process, mount, IPC and host name
 * namespaces, a /proc and a small /dev of its own, no environment but the one given, and no network but loopback.
 */
export interface Sandbox {
  readonly name: 'bwrap' | 'runc' | 'podman' | 'unshare'
  /** `undefined` when it works here, else why not, in plain words. */
  unavailable(): Promise<string | undefined>
  /** Its version, as its program tells it. Rejects with `SANDBOX_FAILED`. */
  version(): Promise<string>
  /** Rejects with `SANDBOX_FAILED`, nothing left behind, when the container cannot be made. */
  launch(spec: LaunchSpec): Promise<Container>
}
