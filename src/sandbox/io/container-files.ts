import fs from 'node:fs'
import { join } from 'node:path'
import { hasSystemCode, messageOf } from '#core'
import { resolveInside } from '../container-path.ts'
import { SandboxError } from '../errors.ts'
import { FILE_LIMIT, type FileState, type Output } from '../outcome.ts'
import type { LaunchSpec } from '../sandbox.ts'
import { type Owners, readLinkAt } from './layer-writer.ts'

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = fs.constants

/**
 * The files of a container as its program sees them: the image's, and in the writable paths what the program wrote.
 * The writable paths are held open, so they can be looked at when the program, and with it every mount, is gone.
 * Links are resolved here, as inside the container, and never by the host.
 */
export class ContainerFiles {
  readonly #root: string
  /** Descriptors of the writable paths' directories, by path. */
  readonly #held: ReadonlyMap<string, number>
  readonly #owners: Owners | undefined

  /** `owners` are those that the layers name, where the files of the host have others; absent: the host's are right. */
  constructor(root: string, held: ReadonlyMap<string, number> = new Map(), owners?: Owners) {
    this.#root = root
    this.#held = held
    this.#owners = owners
  }

  /** The path without a link in it, whether or not it exists; `undefined` when links go in a circle. */
  resolve(path: string, last: 'follow' | 'keep' = 'follow'): string | undefined {
    return resolveInside(path, (at) => readLinkAt(this.#host(at)), last)
  }

  /** What a path is, without its content; `undefined` where there is nothing. */
  state(path: string, last: 'follow' | 'keep' = 'follow'): FileState | undefined {
    const place = this.resolve(path, last)
    if (place === undefined) return undefined
    const found = fs.lstatSync(this.#host(place), { throwIfNoEntry: false })
    if (!found) return undefined
    const owner = this.#owners ? this.#owners.get(place) : { uid: found.uid, gid: found.gid }
    return { type: typeOf(found), mode: found.mode & 0o7777, ...(owner && !this.#isHeld(place) && { owner }) }
  }

  /** The beginning of a file, links followed; `undefined` where there is no regular file. */
  read(path: string): Output | undefined {
    const place = this.resolve(path)
    if (place === undefined || this.state(place)?.type !== 'file') return undefined
    return readStart(this.#host(place))
  }

  /** The names of the folders in a folder, in code-unit order, links not followed; `undefined` where there is no folder. */
  folders(path: string): readonly string[] | undefined {
    const place = this.resolve(path)
    if (place === undefined || this.state(place)?.type !== 'directory') return undefined
    const entries = fs.readdirSync(this.#host(place), { withFileTypes: true })
    return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort()
  }

  /**
   * Every file below a writable path with its content, by path from there. Throws `SANDBOX_FAILED` when a link, a device or
   * the like is among them.
   */
  contents(path: string): ReadonlyMap<string, Uint8Array> {
    const files = new Map<string, Uint8Array>()
    const visit = (below: string) => {
      for (const entry of fs.readdirSync(this.#host(path + below), { withFileTypes: true })) {
        const place = `${below}/${entry.name}`
        if (entry.isDirectory()) visit(place)
        else if (entry.isFile()) files.set(place, fs.readFileSync(this.#host(path + place)))
        else throw new SandboxError('SANDBOX_FAILED', `cannot take ${path}${place}: it is neither file nor directory`)
      }
    }
    visit('')
    return files
  }

  /** Lets go of the writable paths. */
  close(): void {
    for (const fd of this.#held.values()) fs.closeSync(fd)
  }

  /** Without root, what is in a writable path is the user's by another number. */
  #isHeld(place: string): boolean {
    return this.#owners !== undefined && [...this.#held.keys()].some((mount) => `${place}/`.startsWith(`${mount}/`))
  }

  #host(path: string): string {
    for (const [mount, fd] of this.#held) {
      // The final `/.` lets the mount itself be looked at, not the link in /proc.
      if (path === mount || path.startsWith(`${mount}/`)) return `/proc/self/fd/${fd}/.${path.slice(mount.length)}`
    }
    return join(this.#root, path)
  }
}

/**
 * Opens the writable paths of a container whose mounts stand. `containerRoot` is where the host reaches its root.
 * Throws `SANDBOX_FAILED` when one is no mount of its own, so that no file of the host's is ever taken for the
 * container's.
 */
export function holdWritable(
  containerRoot: string,
  { root, writable }: Pick<LaunchSpec, 'root' | 'writable'>,
  owners?: Owners,
): ContainerFiles {
  const held = new Map<string, number>()
  const files = new ContainerFiles(root, held, owners)
  try {
    if (!isSameDirectory(containerRoot, root)) throw new Error('its root is not the image')
    // Deeper mounts first, so that the first match is the right one.
    for (const { path } of writable.toSorted((a, b) => b.path.length - a.path.length)) {
      const fd = fs.openSync(join(containerRoot, path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      held.set(path, fd)
      if (fs.fstatSync(fd).dev === fs.statSync(root).dev) throw new Error(`"${path}" is no mount`)
    }
    return files
  } catch (cause) {
    files.close()
    const reason = messageOf(cause)
    throw new SandboxError('SANDBOX_FAILED', `cannot look into the container: ${reason}`, { cause })
  }
}

/** Whether two paths of the host lead to one directory; `false` when either is not there (any more). */
export function isSameDirectory(left: string, right: string): boolean {
  const a = statOrNothing(left)
  const b = statOrNothing(right)
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino
}

/** A process that is just ending makes its /proc entries fail in several ways. */
function statOrNothing(path: string): fs.Stats | undefined {
  try {
    return fs.statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    if (hasSystemCode(error, 'EACCES', 'ESRCH')) return undefined
    throw error
  }
}

function typeOf(found: fs.Stats): FileState['type'] {
  if (found.isFile()) return 'file'
  if (found.isDirectory()) return 'directory'
  return found.isSymbolicLink() ? 'link' : 'other'
}

function readStart(path: string): Output {
  const fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    const { size } = fs.fstatSync(fd)
    const buffer = Buffer.alloc(Math.min(size, FILE_LIMIT))
    const length = fs.readSync(fd, buffer, 0, buffer.length, 0)
    return { text: buffer.subarray(0, length).toString(), truncated: size > FILE_LIMIT }
  } finally {
    fs.closeSync(fd)
  }
}
