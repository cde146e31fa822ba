import { resolveInside } from '../container-path.ts'
import { type Contract, effectiveContract } from '../contract.ts'
import type { ImageConfig } from '../image-config.ts'
import type { ImageTest } from '../image-test.ts'
import { FILE_LIMIT, type FileState, type Output } from '../outcome.ts'
import type { ContainerFiles } from './container-files.ts'
import { accountOf } from './prepared-image.ts'

/** A path of an image, as who has made the image knows it. */
export interface KnownFile {
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink' | 'other'
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Of a link as written, of a hard link as an absolute path. */
  readonly target: string
}

/** All paths of an image. */
export interface KnownImage {
  get(path: string): KnownFile | undefined
  /** The bytes of a file; `undefined` where they are not at hand. */
  read(path: string): Uint8Array | undefined
}

/** What tests look at of files: of an image that was unpacked, or of one that is known. */
export type TestedFiles = Pick<ContainerFiles, 'state' | 'read'>

/** The files of an image that nobody has unpacked, as tests without a program would find them if it were. */
export class KnownFiles implements TestedFiles {
  readonly #image: KnownImage

  constructor(image: KnownImage) {
    this.#image = image
  }

  state(path: string, last: 'follow' | 'keep' = 'follow'): FileState | undefined {
    const place = this.#resolve(path, last)
    const found = place === undefined ? undefined : this.#inode(place)
    if (found === undefined) return undefined
    const { mode, uid, gid, type } = found
    return { type: type === 'symlink' ? 'link' : type === 'hardlink' ? 'file' : type, mode, owner: { uid, gid } }
  }

  read(path: string): Output | undefined {
    const place = this.#resolve(path, 'follow')
    const found = place === undefined ? undefined : this.#image.get(place)
    if (place === undefined || (found?.type !== 'file' && found?.type !== 'hardlink')) return undefined
    const bytes = this.#image.read(found.type === 'hardlink' ? found.target : place)
    if (bytes === undefined) return undefined
    return { text: Buffer.from(bytes.subarray(0, FILE_LIMIT)).toString(), truncated: bytes.length > FILE_LIMIT }
  }

  /**
   * Whether a test finds here all that it would in a sandbox: it runs no program, asks for no licences, and looks at nothing that
   * whoever runs images adds, or whose bytes are not at hand.
   */
  knows(test: ImageTest, contract: Contract): boolean {
    if (test.program.kind !== 'none' || test.around !== undefined || test.licences !== undefined) return false
    const added = [
      '/proc',
      '/dev',
      '/sys',
      '/etc/hosts',
      '/etc/resolv.conf',
      contract['work-dir'],
      ...contract.writable,
    ]
    return test.files.every(({ path, keepsLink, content }) => {
      const place = this.#resolve(path, keepsLink ? 'keep' : 'follow')
      if (place === undefined || place === '/') return false
      if (added.some((one) => one === place || one.startsWith(`${place}/`))) return false
      const type = this.#image.get(place)?.type
      const isFile = type === 'file' || type === 'hardlink'
      return type !== 'other' && (content === undefined || !isFile || this.read(path) !== undefined)
    })
  }

  /** The contract that tests of an image with this config run under. Throws as `effectiveContract` does, and `IMAGE_USER_UNKNOWN`. */
  contract(config: ImageConfig): Contract {
    const { uid, gid, name } = accountOf(this, config.config?.User ?? '')
    return effectiveContract(config, { ...(name && { name }), uid, gid })
  }

  #resolve(path: string, last: 'follow' | 'keep'): string | undefined {
    const readLink = (at: string) => {
      const found = this.#image.get(at)
      return found?.type === 'symlink' ? found.target : undefined
    }
    return resolveInside(path, readLink, last)
  }

  /** A hard link is the file that it names. */
  #inode(place: string): KnownFile | undefined {
    const found = this.#image.get(place)
    if (found?.type !== 'hardlink') return found
    const file = this.#image.get(found.target)
    return file === undefined ? undefined : { ...file, type: 'file' }
  }
}
