import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CasemateError, packageFile } from '#core'
import { HttpClient, type HttpLimits } from '#debian'
import { AdvisoryError } from '../errors.ts'
import type { NewPart, PartState } from '../part.ts'
import { isAddress, type PartSource, parsePublishers, type SourceFile } from '../publishers.ts'
import type { AdvisoryKind } from '../records.ts'
import { FETCH_PATIENCE, FetchedFiles, type FetchPatience } from './fetched-files.ts'
import { FILE_LIMIT, type InputFile, readInputs } from './read-files.ts'
import { openStore, restateParts, storeParts, storePath } from './store-folder.ts'

/** Bytes of a zip of OSV records as it is sent. */
const ZIP_LIMIT = 2 ** 30

/** The listing that Casemate ships: `advisories/publishers.yaml` at the root of the package. */
export const BUILT_IN_PUBLISHERS = fileURLToPath(packageFile('advisories/publishers.yaml'))

/** What became of one part. A part that failed is in the store as it was before. */
export type PartOutcome =
  | { readonly kind: AdvisoryKind; readonly outcome: 'updated' | 'unchanged'; readonly state: PartState }
  | {
      readonly kind: AdvisoryKind
      readonly outcome: 'failed'
      readonly error: CasemateError
      readonly state: PartState | undefined
    }

export interface UpdateOptions {
  readonly patience?: FetchPatience
  readonly httpLimits?: HttpLimits
  readonly signal?: AbortSignal
  readonly onProgress?: (kind: AdvisoryKind, name: string, bytes: number) => void
}

/** Reads the shipped listing of publishers. Rejects with `ADVISORY_SOURCE_INVALID`. */
export async function readPublishers(): Promise<PartSource[]> {
  return parsePublishers(await readFile(BUILT_IN_PUBLISHERS, 'utf8'), BUILT_IN_PUBLISHERS)
}

/**
 * Brings parts up to date, one after the other, each stored as soon as it is whole. A part all of whose files its
 * publisher confirms is not read again. What fails is an outcome of its part and keeps no other from being taken.
 * Rejects only for what concerns all parts: `ADVISORY_STORE_INVALID`, `ADVISORY_STORE_FAILED`.
 */
export async function updateParts(
  cacheFolder: string,
  sources: readonly PartSource[],
  options: UpdateOptions = {},
): Promise<PartOutcome[]> {
  const http = new HttpClient(options.httpLimits)
  const folder = join(dirname(storePath(cacheFolder)), 'fetched')
  const files = new FetchedFiles(folder, http, options.patience ?? FETCH_PATIENCE)
  const update = new Update(cacheFolder, files, options)
  try {
    const outcomes: PartOutcome[] = []
    for (const source of sources) outcomes.push(await update.part(source))
    return outcomes
  } finally {
    await http.close()
  }
}

class Update {
  readonly #cacheFolder: string
  readonly #files: FetchedFiles
  readonly #options: UpdateOptions
  readonly #signal: AbortSignal

  constructor(cacheFolder: string, files: FetchedFiles, options: UpdateOptions) {
    this.#cacheFolder = cacheFolder
    this.#files = files
    this.#options = options
    this.#signal = options.signal ?? new AbortController().signal
  }

  async part(source: PartSource): Promise<PartOutcome> {
    const { kind } = source
    const before = this.#stored(kind)
    try {
      const inputs: InputFile[] = []
      for (const file of source.files) inputs.push(await this.#input(kind, file))
      const fetched = inputs.flatMap((input) => input.fetched ?? [])
      if (before !== undefined && isSameFiles(before, inputs)) {
        const state = { ...before, fetched }
        await restateParts(this.#cacheFolder, [state])
        return { kind, outcome: 'unchanged', state }
      }
      const part = withOrigin(await this.#read(kind, inputs), source)
      await storeParts(this.#cacheFolder, [part])
      return { kind, outcome: 'updated', state: part.state }
    } catch (error) {
      this.#signal.throwIfAborted()
      const isOfStore = error instanceof AdvisoryError && error.code.startsWith('ADVISORY_STORE_')
      if (!(error instanceof CasemateError) || isOfStore) throw error
      return { kind, outcome: 'failed', error, state: before }
    }
  }

  async #read(kind: AdvisoryKind, inputs: readonly InputFile[]): Promise<NewPart> {
    const [part] = await readInputs(inputs, {
      kind,
      now: new Date().toISOString(),
      onFile: () => this.#options.onProgress?.(kind, 'reading', 0),
    })
    if (part === undefined) throw new AdvisoryError('ADVISORIES_INVALID', `cannot import ${kind}: it has no files`)
    return part
  }

  async #input(kind: AdvisoryKind, { name, place }: SourceFile): Promise<InputFile> {
    if (!isAddress(place)) return { path: place, name }
    const { path, state } = await this.#files.fetch(
      {
        url: place,
        limit: kind === 'osv' ? ZIP_LIMIT : FILE_LIMIT,
        onBytes: (bytes) => this.#options.onProgress?.(kind, name, bytes),
      },
      this.#signal,
    )
    const modified = Date.parse(state.lastModified ?? '')
    const changedAt = Number.isNaN(modified) ? state.fetchedAt : new Date(modified).toISOString()
    return { path, name, changedAt, fetched: state }
  }

  #stored(kind: AdvisoryKind): PartState | undefined {
    const store = openStore(this.#cacheFolder)
    try {
      return store?.parts.find((part) => part.kind === kind)
    } finally {
      store?.close()
    }
  }
}

/** Whether the stored part was made of just these files. */
function isSameFiles({ fetched = [] }: PartState, inputs: readonly InputFile[]): boolean {
  if (fetched.length !== inputs.length) return false
  return inputs.every(({ fetched: file }, index) => {
    const known = fetched[index]
    return file !== undefined && known?.url === file.url && known.digest === file.digest
  })
}

/** A part's origin is where it came from, which the name of one file does not say. */
function withOrigin(part: NewPart, { files: [first, ...more] }: PartSource): NewPart {
  if (first === undefined || !isAddress(first.place)) return part
  const origin = more.length === 0 ? first.place : `${first.place} and ${more.length} more`
  return { ...part, state: { ...part.state, origin } }
}
