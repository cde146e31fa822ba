import { watch } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { messageOf } from '#core'
import {
  type ChangeAuthor,
  type CommitOrigin,
  type DefinedImages,
  type DefinitionChange,
  type DefinitionFiles,
  definitionEvent,
  type FactoryEvent,
  type FactoryStore,
  stepDefinitions,
  type Watched,
} from '#factory'
import { IntegrationError } from '../errors.ts'
import { folderFingerprint, type ReadDefinitions, readDefinitions } from './definition-folder.ts'
import type { GitRepository } from './git-repository.ts'
import { takeStep } from './take-step.ts'

/** What a look at definitions gave. */
export interface DefinitionPoll {
  /** Events that nobody had recorded before: one an image whose definition changed. */
  readonly events: readonly FactoryEvent[]
  /** Definitions that cannot be read, each with why; their images stay as they were. */
  readonly troubles: readonly string[]
  /** Where the definitions are that were looked at. */
  readonly folder: string
}

interface DefinitionWatchOptions {
  readonly store: FactoryStore
  /** By which what is recorded is found again: a folder's path may change, its name here should not. */
  readonly name: string
  readonly now: () => Date
}

/**
 * Watches a folder of definitions. What counts is what the files say, not when they were written: a look that finds nothing changed in
 * names, sizes and times reads none of them.
 */
export class DefinitionFolderWatch {
  readonly #options: DefinitionWatchOptions & { readonly folder: string }
  #last: { readonly fingerprint: string; readonly troubles: readonly string[] } | undefined

  constructor(options: DefinitionWatchOptions & { readonly folder: string }) {
    this.#options = options
  }

  /** Looks once, and records what changed since what was recorded last. Rejects with `FOLDER_INVALID`, and as the store does. */
  async look(): Promise<DefinitionPoll> {
    const folder = await realFolder(this.#options.folder)
    const fingerprint = await folderFingerprint(folder)
    if (fingerprint === this.#last?.fingerprint) return { events: [], troubles: this.#last.troubles, folder }
    const read = await readDefinitions(folder)
    const events = await recordDefinitions(this.#options, read, undefined)
    const troubles = troublesOf(read)
    this.#last = { fingerprint, troubles }
    return { events, troubles, folder }
  }

  /** Calls `changed` some time after something in the folder may have changed. Only a hint: not every change is seen. */
  hint(changed: () => void, signal: AbortSignal): void {
    let timer: NodeJS.Timeout | undefined
    signal.addEventListener('abort', () => clearTimeout(timer))
    try {
      const watcher = watch(this.#options.folder, { recursive: true, signal, persistent: false }, () => {
        clearTimeout(timer)
        timer = setTimeout(changed, SETTLE).unref()
      })
      watcher.on('error', () => watcher.close())
    } catch {
      // Where the system cannot watch, looks in intervals are all there is, and enough.
    }
  }
}

/** Milliseconds without a change until a folder is looked at: an editor writes several files. */
const SETTLE = 300

/** Watches the definitions in a branch of a Git repository. */
export class GitDefinitionWatch {
  readonly #options: DefinitionWatchOptions & { readonly repository: GitRepository }
  #last: { readonly commit: string; readonly poll: DefinitionPoll } | undefined

  constructor(options: DefinitionWatchOptions & { readonly repository: GitRepository }) {
    this.#options = options
  }

  /**
   * Fetches once, and records what changed since the commit that was recorded last, with who changed it. Rejects with `GIT_FAILED`,
   * `FOLDER_INVALID`, and as the store does.
   */
  async look(signal: AbortSignal): Promise<DefinitionPoll> {
    const { repository } = this.#options
    const commit = await repository.fetch(signal)
    if (commit === this.#last?.commit) return { ...this.#last.poll, events: [] }
    const folder = await realFolder(await repository.checkOut(commit, signal))
    const read = await readDefinitions(folder)
    const origin = { commit, repository, signal }
    const events = await recordDefinitions(this.#options, read, origin)
    const poll = { events, troubles: troublesOf(read), folder }
    this.#last = { commit, poll }
    return poll
  }
}

interface GitOrigin {
  readonly commit: string
  readonly repository: GitRepository
  readonly signal: AbortSignal
}

async function recordDefinitions(
  { store, name, now }: DefinitionWatchOptions,
  { images, broken }: ReadDefinitions,
  git: GitOrigin | undefined,
): Promise<readonly FactoryEvent[]> {
  return takeStep(store, `definitions ${name}`, async (before) => {
    const from = commitOf(before)
    const step = stepDefinitions(await unpack(before), images, new Set(broken.keys()))
    if (step.changes.length === 0 && from === git?.commit && before !== undefined) return undefined
    const sighting = { revision: (before?.revision ?? 0) + 1, seen: now().toISOString() }
    const changes = git === undefined ? step.changes : await withOrigin(step.changes, git, from)
    return {
      state: git === undefined ? {} : { commit: git.commit },
      content: await pack(step.images),
      events: changes.map((change) => definitionEvent(change, sighting)),
      at: sighting.seen,
    }
  })
}

/** Changes of which the author is asked for: each costs a run of git, and a first look finds thousands. */
const AUTHORS = 200

async function withOrigin(
  changes: readonly DefinitionChange[],
  { commit, repository, signal }: GitOrigin,
  from: string | undefined,
): Promise<readonly DefinitionChange[]> {
  const isRewritten = from !== undefined && !(await repository.isAncestor(from, commit, signal))
  const origin: CommitOrigin = { commit, ...(from === undefined ? {} : { from }), isRewritten }
  const authors = new Map<string, ChangeAuthor | undefined>()
  for (const { definition } of changes.slice(0, AUTHORS)) {
    if (!authors.has(definition)) authors.set(definition, await repository.lastChange(commit, definition, signal))
  }
  return changes.map((change) => {
    const author = authors.get(change.definition)
    return { ...change, origin, ...(author === undefined ? {} : { author }) }
  })
}

function troublesOf({ broken }: ReadDefinitions): readonly string[] {
  return [...broken.values()]
}

function commitOf(before: Watched | undefined): string | undefined {
  const state = before?.state
  if (typeof state !== 'object' || state === null || !('commit' in state)) return undefined
  return typeof state.commit === 'string' ? state.commit : undefined
}

async function realFolder(folder: string): Promise<string> {
  return realpath(folder).catch((cause: unknown) => {
    throw new IntegrationError('FOLDER_INVALID', `cannot read the definitions in ${folder}: ${messageOf(cause)}`, {
      cause,
    })
  })
}

async function pack(images: DefinedImages): Promise<Uint8Array> {
  const sorted = [...images].sort(([left], [right]) => (left < right ? -1 : 1))
  return promisify(gzip)(JSON.stringify(sorted))
}

/** Only this watcher writes these rows. */
async function unpack(before: Watched | undefined): Promise<DefinedImages> {
  if (before?.content === undefined) return new Map()
  const text = (await promisify(gunzip)(before.content)).toString('utf8')
  return new Map(JSON.parse(text) as [string, DefinitionFiles][])
}
