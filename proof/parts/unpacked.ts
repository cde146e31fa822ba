import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runOrThrow, runShell } from './command.ts'
import { type DiskTree, readDiskTree } from './disk-tree.ts'

/** What dpkg-deb and tar make of a .deb. */
export interface UnpackedDeb {
  readonly data: DiskTree
  /** The control files, by `/NAME`. */
  readonly control: DiskTree
}

/** Unpacks each .deb once, by dpkg-deb and GNU tar, and forgets the files when they are read. */
export class DebUnpacker {
  readonly #folder: string
  readonly #known = new Map<string, UnpackedDeb>()

  /** `folder` is there for temporary files. */
  constructor(folder: string) {
    this.#folder = join(folder, 'deb')
  }

  /** How many different .debs were unpacked. */
  get count(): number {
    return this.#known.size
  }

  async unpack(deb: string): Promise<UnpackedDeb> {
    const known = this.#known.get(deb)
    if (known !== undefined) return known
    const unpacked = { data: await this.#read(deb, '--fsys-tarfile'), control: await this.#read(deb, '--ctrl-tarfile') }
    this.#known.set(deb, unpacked)
    return unpacked
  }

  async #read(deb: string, kind: string): Promise<DiskTree> {
    mkdirSync(this.#folder)
    try {
      const options = '--extract --preserve-permissions --same-owner --numeric-owner'
      await runShell(`dpkg-deb ${kind} "$1" | tar ${options} --directory "$2"`, deb, this.#folder)
      return readDiskTree(this.#folder)
    } finally {
      rmSync(this.#folder, { recursive: true, force: true })
    }
  }
}

/** Reads an image that umoci has unpacked from a layout below `folder`; the files are gone afterwards. */
export async function readImageTree(layout: string, folder: string): Promise<DiskTree> {
  const bundle = join(folder, 'bundle')
  try {
    await runOrThrow(['umoci', 'unpack', '--image', `${layout}:image`, bundle])
    return readDiskTree(join(bundle, 'rootfs'))
  } finally {
    rmSync(bundle, { recursive: true, force: true })
  }
}
