import fs from 'node:fs'
import { join } from 'node:path'
import { resolveAccount } from '../account.ts'
import { type Contract, effectiveContract } from '../contract.ts'
import { SandboxError } from '../errors.ts'
import { type ImageConfig, parseImageConfig } from '../image-config.ts'
import type { LaunchSpec } from '../sandbox.ts'
import { ContainerFiles } from './container-files.ts'
import { type Emulator, findEmulator } from './emulator.ts'
import { type ImageLayer, type Rootfs, unpackRootfs } from './rootfs.ts'

const HOSTS = '127.0.0.1\tlocalhost casemate\n::1\tlocalhost casemate\n'

/** An image to test: its configuration as parsed JSON, and its layers, lowest first. */
export interface TestableImage {
  readonly config: unknown
  readonly layers: readonly ImageLayer[]
}

/** An image on disk, ready to be run any number of times; no run changes it. */
export interface PreparedImage {
  readonly config: ImageConfig
  readonly rootfs: Rootfs
  readonly files: ContainerFiles
  readonly contract: Contract
  /** `os/architecture`. */
  readonly platform: string
  readonly writable: LaunchSpec['writable']
  /** Whether this is a copy for one test, whose programs may change any file that their user may. */
  readonly rootIsWritable?: boolean
  readonly emulator?: Emulator
  /** Other images whose files tests have beside this one's, by their references. */
  readonly helpers: ReadonlyMap<string, PreparedImage>
  /** Removes it from the disk. */
  remove(): void
}

/**
 * Unpacks an image and adds what every container engine adds where it is missing: mount points, the working
 * directory, `/etc/hosts`, and for tests with the host's network `/etc/resolv.conf`.
 * Throws `IMAGE_CONFIG_INVALID`, `IMAGE_USER_UNKNOWN`, `ROOTFS_INVALID`, `CONTRACT_INVALID`, `SANDBOX_MISSING`.
 */
export async function prepareImage(
  { config, layers }: TestableImage,
  options: { network: 'none' | 'host'; signal?: AbortSignal },
): Promise<PreparedImage> {
  const image = parseImageConfig(config)
  const emulator = findEmulator(image.architecture)
  const rootfs = await unpackRootfs(layers, options.signal)
  try {
    const files = new ContainerFiles(rootfs.root, new Map(), rootfs.owners)
    const { uid, gid, name } = accountOf(files, image.config?.User ?? '')
    const contract = effectiveContract(image, { ...(name && { name }), uid, gid })
    for (const path of ['/proc', '/dev', '/sys', contract['work-dir']]) addMountPoint(files, rootfs.root, path)
    const writable = contract.writable.map((path) => addMountPoint(files, rootfs.root, path))
    addFile(files, rootfs.root, { path: '/etc/hosts', content: HOSTS })
    if (options.network === 'host') {
      addFile(files, rootfs.root, { path: '/etc/resolv.conf', content: fs.readFileSync('/etc/resolv.conf', 'utf8') })
    }
    return {
      config: image,
      rootfs,
      files,
      contract,
      platform: `${image.os}/${image.architecture}`,
      writable: [...new Map(writable.map((mount) => [mount.path, mount])).values()],
      ...(emulator && { emulator }),
      helpers: new Map(),
      remove: rootfs.remove,
    }
  } catch (error) {
    rootfs.remove()
    throw error
  }
}

/** The account that a `User` names in an image. Throws `IMAGE_USER_UNKNOWN`. */
export function accountOf(files: Pick<ContainerFiles, 'read'>, user: string): ReturnType<typeof resolveAccount> {
  const content = (path: string) => files.read(path)?.text ?? ''
  return resolveAccount(user, { passwd: content('/etc/passwd'), group: content('/etc/group') })
}

/** Characters that no runtime's options give a meaning. */
const PLAIN_PATH = /^\/[A-Za-z0-9._+@~/-]+$/

/**
 * Makes a directory in an image's root where there is none, and gives its path without links and its mode. Throws
 * `CONTRACT_INVALID`, `ROOTFS_INVALID`.
 */
export function addMountPoint(files: ContainerFiles, root: string, path: string): { path: string; mode: number } {
  const place = files.resolve(path)
  if (place === '/' && path === '/') return { path: '/', mode: 0o755 }
  if (place === undefined || !PLAIN_PATH.test(place)) {
    throw new SandboxError('CONTRACT_INVALID', `cannot use "${path}" as a mount point: want an absolute, plain path`)
  }
  for (let at = place.indexOf('/', 1); ; at = place.indexOf('/', at + 1)) {
    const host = join(root, at < 0 ? place : place.slice(0, at))
    const found = fs.lstatSync(host, { throwIfNoEntry: false })
    if (found && !found.isDirectory()) {
      throw new SandboxError('ROOTFS_INVALID', `cannot make mount point "${path}": "${place}" is no directory`)
    }
    if (!found) makeDirectory(host)
    if (at < 0) return { path: place, mode: fs.lstatSync(host).mode & 0o1777 }
  }
}

function makeDirectory(path: string): void {
  fs.mkdirSync(path)
  fs.chmodSync(path, 0o755)
}

function addFile(files: ContainerFiles, root: string, file: { path: string; content: string }): void {
  const place = files.resolve(file.path)
  if (place === undefined || files.state(file.path)) return
  addMountPoint(files, root, place.slice(0, place.lastIndexOf('/')) || '/')
  fs.writeFileSync(join(root, place), file.content, { flag: 'wx' })
  fs.chmodSync(join(root, place), 0o644)
}
