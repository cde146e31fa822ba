import { messageOf } from '#core'
import { ACCOUNT_FILES, isInventoryFile, readDpkgDatabase } from '#debian'
import {
  environmentVariable,
  type ImageFile,
  type ImageFiles,
  type OpenedImage,
  openImage,
  parsePlatform,
  parseReference,
  readImageFiles,
} from '#oci'
import { type Contract, effectiveContract, parseImageConfig, resolveAccount, SandboxError } from '#sandbox'
import { ApplicationScan, type ImageSettings, type ImageState, type StateFile } from '#sbom'
import { fileAt, inventoryOf, withApplications } from './image-inventory.ts'
import { withLicences } from './image-licences.ts'

/** What dpkg keeps of each package, which no package lists as its own. */
const PACKAGE_RECORD =
  /^\/var\/lib\/dpkg\/(?:info\/([^/:]+?)(?::[^/.]+)?\.[a-z0-9]+|status\.d\/([^/]+?)(?:\.md5sums)?)$/

/** An image read for comparison. */
export interface ReadImage {
  readonly state: ImageState
  /** `undefined` where what it says cannot be read; a fault then says why. */
  readonly contract: Contract | undefined
  /** What could not be read, a line each. */
  readonly faults: readonly string[]
}

/** Reads all that two images are compared by, licences and applications' packages among it. Rejects as `readInventory` does. */
export async function readImageState(reference: string, platform: string): Promise<ReadImage> {
  const image = await openImage(parseReference(reference), { platform: parsePlatform(platform) })
  try {
    const scan = new ApplicationScan()
    const files = await readImageFiles(image.layers, {
      wants: isInventoryFile,
      take: (file) => scan.sink(file),
      hashes: true,
    })
    const { inventory: found } = withApplications(inventoryOf(image, files, reference), files, scan)
    const inventory = withLicences(found, files)
    const owners = ownersOf(files)
    const state: ImageState = {
      inventory,
      settings: settingsOf(image),
      files: [...files.entries()].map((file) => stateFile(file, files, owners)),
      layers: image.layers.map(({ diffId, descriptor: { digest, size } }) => ({ diffId, digest, size })),
      unpackedSize: [...files.entries()].reduce((sum, { size }) => sum + size, 0),
    }
    return { state, ...contractOf(image, files, inventory.faults) }
  } finally {
    await image.close()
  }
}

/** The package of each path, folders among them; of a path that several have, the first by name. */
export function ownersOf(files: ImageFiles): ReadonlyMap<string, string> {
  const paths = [...files.entries()].map(({ path }) => path)
  const owners = new Map<string, string>()
  const { packages } = readDpkgDatabase({ paths: () => paths, read: (path) => files.read(path) })
  for (const { name, paths: listed } of packages) {
    for (const path of listed) {
      const file = fileAt(files, path)
      if (file !== undefined && !owners.has(file.path)) owners.set(file.path, name)
    }
  }
  for (const path of paths) {
    const [, ofInfo, ofStatus] = PACKAGE_RECORD.exec(path) ?? []
    const name = ofInfo ?? ofStatus
    if (name !== undefined) owners.set(path, name)
  }
  return owners
}

function stateFile(file: ImageFile, files: ImageFiles, owners: ReadonlyMap<string, string>): StateFile {
  const { path, type, mode, uid, gid, xattrs } = file
  const isHardLink = type === 'hardlink'
  const attributes = [...xattrs].map(([name, value]) => [name, Buffer.from(value).toString('hex')] as const)
  return {
    path,
    type: isHardLink ? 'file' : type,
    mode,
    uid,
    gid,
    size: isHardLink ? (files.get(file.target)?.size ?? 0) : file.size,
    target: isHardLink ? '' : file.target,
    digest: file.digest,
    attributes: Object.fromEntries(attributes.sort(([left], [right]) => (left < right ? -1 : 1))),
    owner: owners.get(path),
  }
}

function settingsOf({ config: { config } }: OpenedImage): ImageSettings {
  return {
    user: config.User ?? '',
    entrypoint: config.Entrypoint ?? [],
    cmd: config.Cmd ?? [],
    environment: Object.fromEntries((config.Env ?? []).map(environmentVariable)),
    ports: (config.ExposedPorts ?? []).map((port) => (port.includes('/') ? port : `${port}/tcp`)),
    volumes: config.Volumes ?? [],
    'stop-signal': config.StopSignal ?? '',
    'work-dir': config.WorkingDir || '/',
    labels: config.Labels ?? {},
  }
}

function contractOf(
  { configDocument }: OpenedImage,
  files: ImageFiles,
  faults: readonly string[],
): Pick<ReadImage, 'contract' | 'faults'> {
  const textOf = (path: string) => Buffer.from(files.read(path) ?? []).toString('utf8')
  try {
    const config = parseImageConfig(JSON.parse(Buffer.from(configDocument.bytes).toString('utf8')))
    const account = resolveAccount(config.config?.User ?? '', {
      passwd: textOf(ACCOUNT_FILES.passwd),
      group: textOf(ACCOUNT_FILES.group),
    })
    const { name, uid, gid } = account
    return { contract: effectiveContract(config, { ...(name && { name }), uid, gid }), faults }
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error
    return { contract: undefined, faults: [...faults, `its contract is not compared: ${messageOf(error)}`] }
  }
}
