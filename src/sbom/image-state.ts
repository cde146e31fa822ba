import type { Digest } from '#core'
import type { Inventory } from './inventory.ts'

/** A path of an image, links not followed. */
export interface StateFile {
  readonly path: string
  /** A hard link is a file under one more name. */
  readonly type: 'file' | 'directory' | 'symlink' | 'character-device' | 'block-device' | 'fifo'
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes of a file's content. */
  readonly size: number
  /** Of a symbolic link, as written; empty otherwise. */
  readonly target: string
  /** Of a file's content. */
  readonly digest: Digest | undefined
  /** Extended attributes by name, as hex digits. */
  readonly attributes: Readonly<Record<string, string>>
  /** The name of the package that has the path; `undefined` where none has. */
  readonly owner: string | undefined
}

/** How a container of an image runs, as its config says; what the config leaves out is empty. */
export interface ImageSettings {
  readonly user: string
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** `80/tcp`, in any order. */
  readonly ports: readonly string[]
  /** In any order. */
  readonly volumes: readonly string[]
  readonly 'stop-signal': string
  readonly 'work-dir': string
  readonly labels: Readonly<Record<string, string>>
}

/** A layer as it is stored. */
export interface StateLayer {
  readonly diffId: Digest
  /** Of the bytes as stored. */
  readonly digest: Digest
  /** Bytes as stored. */
  readonly size: number
}

/** One platform's image, as far as two are compared. */
export interface ImageState {
  readonly inventory: Inventory
  readonly settings: ImageSettings
  /** Each path once, in any order. */
  readonly files: readonly StateFile[]
  /** Lowest first. */
  readonly layers: readonly StateLayer[]
  /** Bytes of all visible files, hard links counted once. */
  readonly unpackedSize: number
}
