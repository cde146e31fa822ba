import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { promisify } from 'node:util'
import { createDecoders, DECODE_LIMITS, type DebMember, loadLibarchive, openDeb, readDebMembers } from '#debian'
import { ImageError } from '../errors.ts'

/** The host's xz, found and known to decode as ours does. */
export interface HostXz {
  readonly program: string
  /** `5.4.1`. */
  readonly version: string
}

/** To start a program for fewer bytes takes longer than to decode them. */
const HOST_XZ_FROM = 1024 * 1024

/** Whether the host's xz is of use for the data of a package. */
export function isForHostXz({ compression, size }: DebMember): boolean {
  return compression === 'xz' && size >= HOST_XZ_FROM
}

/**
 * Finds the host's `xz` and checks, on the first of the packages that it is of use for, that it gives the same bytes as our
 * own decoder. Gives `undefined` when it is of use for none. Rejects with `XZ_UNUSABLE` when there is none or when its
 * bytes differ: it was asked for, so going on without it is no answer.
 */
export async function checkHostXz(debs: readonly string[], program = 'xz'): Promise<HostXz | undefined> {
  const deb = debs.find((one) => isForHostXz(dataMember(one)))
  if (deb === undefined) return undefined
  const { stdout } = await promisify(execFile)(program, ['--version']).catch((cause: unknown) => {
    throw new ImageError('XZ_UNUSABLE', `cannot use ${program}: it is not there or does not run`, { cause })
  })
  const version = /^xz \(XZ Utils\) (\S+)$/m.exec(stdout)?.[1] ?? 'of unknown version'
  const [own, host] = [createHash('sha256'), createHash('sha256')]
  const data = dataMember(deb)
  await decodeOwn(deb, data, (chunk) => own.update(chunk))
  await decodeByHost({ program, version }, { deb, data }, (chunk) => host.update(chunk))
  if (own.digest('hex') !== host.digest('hex')) {
    throw new ImageError('XZ_UNUSABLE', `cannot use ${program} ${version}: it decodes ${deb} to other bytes than ours`)
  }
  return { program, version }
}

/** Where the data of a package stands in its file. */
export interface PackedData {
  readonly deb: string
  readonly data: DebMember
}

/**
 * Decodes the data of a .deb by the host's xz, in pieces. Rejects with `XZ_UNUSABLE` when xz refuses it or gives more than
 * our own decoder would take; xz is then ended.
 */
export async function decodeByHost(
  { program, version }: HostXz,
  { deb, data }: PackedData,
  onOutput: (chunk: Uint8Array) => void,
): Promise<void> {
  const file = openAt(deb, data.offset)
  const child = spawn(program, ['--decompress', '--stdout', '--single-stream', '--threads=0'], {
    stdio: [file, 'pipe', 'ignore'],
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const allowed = Math.min(DECODE_LIMITS.maxOutput, Math.max(HARMLESS, data.size * DECODE_LIMITS.maxRatio))
  let bytes = 0
  try {
    for await (const chunk of child.stdout ?? []) {
      bytes += chunk.length
      if (bytes > allowed) throw unusable(`${data.size} bytes give over ${allowed} bytes`)
      onOutput(chunk)
    }
    const status = await ended
    if (status !== 0) throw unusable(`it ended with ${status}`)
  } finally {
    child.kill('SIGKILL')
    closeSync(file)
  }

  function unusable(reason: string): ImageError {
    return new ImageError('XZ_UNUSABLE', `cannot decode ${deb} by ${program} ${version}: ${reason}`)
  }
}

const HARMLESS = 32 * 1024 * 1024

/** A file whose position, which a child inherits with it, stands at an offset. */
function openAt(path: string, offset: number): number {
  const file = openSync(path, 'r')
  for (let left = offset; left > 0; ) {
    const read = readSync(file, Buffer.allocUnsafe(Math.min(left, 65536)))
    if (read === 0) break
    left -= read
  }
  return file
}

function dataMember(deb: string): DebMember {
  using source = openDeb(deb)
  return readDebMembers(source).data
}

async function decodeOwn(deb: string, data: DebMember, onOutput: (chunk: Uint8Array) => void): Promise<void> {
  const file = openAt(deb, data.offset)
  try {
    const decoder = createDecoders(await loadLibarchive())('xz', { origin: deb, limits: DECODE_LIMITS, onOutput })
    for (let left = data.size; left > 0; ) {
      const chunk = Buffer.allocUnsafe(Math.min(left, 262_144))
      const read = readSync(file, chunk)
      if (read === 0) break
      decoder.push(chunk.subarray(0, read))
      left -= read
    }
    decoder.end()
  } finally {
    closeSync(file)
  }
}
