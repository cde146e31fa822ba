import { readFile } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { type Digest, faultsOf, formatFault, hasSystemCode, messageOf, parseDigest, type Shape } from '#core'
import type { DefinitionFile } from '../definition/resolve-definition.ts'
import { ImageError } from '../errors.ts'
import type { DefinitionPlaces } from './definition-files.ts'

/** The file in a base's folder that says which image it is the recipe of. */
export const BASE_FILE = 'base.json'
/** The lock of that recipe, in the same folder. */
export const BASE_LOCK = 'casemate.lock'

/** What is kept beside an overlay of the image that it stacks on: its recipe, with where that was found. */
export interface KeptBase {
  /** As the overlay names the image. */
  readonly from: string
  /** Of the image's index, or of its manifest. */
  readonly digest: Digest
  /** The path of its definition in the folder. */
  readonly definition: string
}

const shape: Shape = {
  type: 'object',
  title: 'a base that is kept',
  additionalProperties: false,
  required: ['from', 'digest', 'definition'],
  properties: {
    from: { type: 'string' },
    digest: { type: 'string', pattern: '^sha256:[0-9a-f]{64}$', title: 'a digest' },
    definition: { type: 'string', pattern: '^(?:catalogue|definition)/(?!.*(?:^|/)\\.\\.(?:/|$)).+$', title: 'a path' },
  },
}

/** Tells whether an overlay's `from` names a finished image, by a transport, a registry or a digest, and no definition. */
export function namesImage(from: string): boolean {
  return /^(?:docker:\/\/|oci:)|^[^./][^/]*[.:][^/]*\/.+|@sha256:/.test(from)
}

/**
 * Gives the folder that keeps the recipe of the image that a definition file stacks on: `casemate.base`, or `STEM.base`; of a
 * definition of several images `STEM.MEMBER.base`, as their locks are called.
 */
export function baseFolder(file: string, member: string | undefined): string {
  const stem = basename(file).replace(/\.ya?ml$/, '')
  return join(dirname(file), member === undefined ? `${stem}.base` : `${stem}.${member}.base`)
}

/** The image that a definition file's `from` names, for who opens images: folders are meant from the file's own. */
export function imageFrom(from: string, file: string): string {
  const [, folder = '', tag = ''] = /^oci:([^:]+)(:.*)?$/.exec(from) ?? []
  return folder === '' || isAbsolute(folder) ? from : `oci:${resolve(dirname(file), folder)}${tag}`
}

/** Reads which image's recipe a folder keeps; `undefined` where it keeps none. Throws `RECIPE_INVALID`. */
export async function readKeptBase(folder: string): Promise<KeptBase | undefined> {
  const path = join(folder, BASE_FILE)
  const invalid = (reason: string, cause?: unknown) =>
    new ImageError('RECIPE_INVALID', `cannot read ${path}: ${reason}`, { cause })
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw invalid(messageOf(error), error)
  }
  const faults = faultsOf(shape, value)
  if (faults.length > 0) throw invalid(faults.map(formatFault).join('; '))
  const { from, digest, definition } = value as { from: string; digest: string; definition: string }
  return { from, digest: parseDigest(digest), definition }
}

/**
 * Says how the base of a definition file is opened, and what else of it is kept. Throws `DEFINITION_NOT_FOUND` for an image whose
 * recipe nobody has fetched, `RECIPE_INVALID`.
 */
export async function locateBase(from: string, root: StackingFile, places: DefinitionPlaces): Promise<LocatedBase> {
  const { file, locate, member } = root
  if (!namesImage(from))
    return { reference: from, places: { ...places, workingFolder: dirname(file) }, files: new Map() }
  const folder = baseFolder(file, member)
  const kept = await readKeptBase(folder)
  if (kept === undefined || kept.from !== from) {
    const place = locate?.(['from'], 'value')
    const at = place === undefined ? file : `${file}:${place.line}:${place.column}`
    const reason = `its recipe is not kept in ${folder}; \`casemate lock ${dirname(file)} --base-key KEY\` fetches and verifies it`
    throw new ImageError('DEFINITION_NOT_FOUND', `cannot stack on ${from} (${at}): ${reason}`)
  }
  const names = [BASE_FILE, BASE_LOCK]
  const files = names.map(async (name) => {
    const path = join(folder, name)
    const bytes = await readFile(path).catch((error: unknown) => {
      throw new ImageError('RECIPE_INVALID', `cannot read ${path}: ${messageOf(error)}`, { cause: error })
    })
    return [`${basename(folder)}/${name}`, bytes] as const
  })
  return {
    reference: `./${kept.definition}`,
    places: { workingFolder: folder, catalogue: join(folder, 'catalogue') },
    lockFile: join(folder, BASE_LOCK),
    files: new Map(await Promise.all(files)),
  }
}

type StackingFile = Pick<DefinitionFile, 'file' | 'locate'> & { readonly member?: string }

/** A base as it is to be opened. */
export interface LocatedBase {
  readonly reference: string
  readonly places: DefinitionPlaces
  /** Where its lock is, if that is not beside its definition. */
  readonly lockFile?: string
  /** What a recipe of the overlay needs beside the base's own files, by paths from the overlay's folder. */
  readonly files: ReadonlyMap<string, Uint8Array>
}
