import { execFile } from 'node:child_process'
import { mkdir, readdir, rename, rm, stat, symlink } from 'node:fs/promises'
import { isAbsolute, join, normalize } from 'node:path'
import { promisify } from 'node:util'
import { digestOf, hasSystemCode, hexOf, messageOf, visibleText } from '#core'
import type { ChangeAuthor } from '#factory'
import { IntegrationError } from '../errors.ts'

/** A branch of a repository, and the folder in it that is looked at. */
export interface GitPlace {
  /** `https://…`, `ssh://…`, `user@host:path`, or a folder of this machine. */
  readonly url: string
  /** The repository's own default branch unless given. */
  readonly branch?: string | undefined
  /** From its root; `.` unless given. */
  readonly path?: string | undefined
}

export interface GitOptions {
  /** Where mirrors and what is checked out are kept; several processes must not share it. */
  readonly folder: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Milliseconds that one run of git may take; five minutes unless given. */
  readonly patience?: number
}

/** What is never asked of git's own settings, whatever they say: nothing that a repository holds is run or fetched from elsewhere. */
const SETTINGS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'submodule.recurse=false',
  'fetch.recurseSubmodules=false',
  'fetch.fsckObjects=true',
  'gc.auto=0',
]
/** Of the environment, what git needs to find itself, and who may read the repository. */
const KEPT = ['PATH', 'HOME', 'SSH_AUTH_SOCK', 'GIT_SSH_COMMAND', 'http_proxy', 'https_proxy', 'no_proxy', 'all_proxy']
const OUTPUT_LIMIT = 16 << 20
const MIRRORED = 'refs/casemate/watched'

/**
 * A Git repository that is fetched into a bare mirror and checked out elsewhere, by the `git` program and with its users' credentials. Protocols are
 * https and ssh, or a folder that is named as such; no hook, filter or submodule has its turn.
 */
export class GitRepository {
  readonly #place: GitPlace
  readonly #folder: string
  readonly #environment: Readonly<Record<string, string>>
  readonly #patience: number
  readonly #path: string

  /** Throws `GIT_REFUSED` for an address that is not fetched from, and for a path that leaves the repository. */
  constructor(place: GitPlace, { folder, environment, patience = 300_000 }: GitOptions) {
    this.#place = place
    this.#folder = join(folder, hexOf(digestOf(`${place.url} ${place.branch ?? ''}`)).slice(0, 24))
    this.#patience = patience
    this.#path = pathInside(place)
    const kept = KEPT.flatMap((name): [string, string][] => {
      const value = environment[name]
      return value === undefined ? [] : [[name, value]]
    })
    this.#environment = {
      GIT_SSH_COMMAND: 'ssh -oBatchMode=yes',
      ...Object.fromEntries(kept),
      GIT_ALLOW_PROTOCOL: protocolOf(place),
      GIT_TERMINAL_PROMPT: '0',
      GIT_CONFIG_NOSYSTEM: '1',
      LC_ALL: 'C',
    }
  }

  /** Fetches the branch; gives the commit that it is at. Rejects with `GIT_FAILED`. */
  async fetch(signal: AbortSignal): Promise<string> {
    const { url, branch } = this.#place
    if (!(await exists(join(this.#mirror, 'HEAD')))) {
      await mkdir(this.#folder, { recursive: true })
      await this.#git(['init', '--quiet', '--bare', this.#mirror], 'make a mirror', signal)
    }
    const source = branch === undefined ? 'HEAD' : `refs/heads/${branch}`
    const flags = ['--quiet', '--no-tags', '--force', '--prune', '--no-recurse-submodules', '--no-write-fetch-head']
    await this.#inMirror(['fetch', ...flags, '--', url, `+${source}:${MIRRORED}`], 'fetch', signal)
    const commit = await this.#inMirror(['rev-parse', '--verify', `${MIRRORED}^{commit}`], 'read the branch', signal)
    return commit.trim()
  }

  /**
   * Gives a folder with the files of a commit, whole. What was checked out before the one before it is removed. Rejects with `GIT_FAILED`,
   * also where the commit has no such folder.
   */
  async checkOut(commit: string, signal: AbortSignal): Promise<string> {
    const trees = join(this.#folder, 'trees')
    const target = join(trees, commit)
    if (!(await exists(target))) {
      const draft = join(trees, `draft-${commit}`)
      await rm(draft, { recursive: true, force: true })
      await mkdir(draft, { recursive: true })
      // Nobody's settings are asked here: they could name programs that change what is checked out.
      const bare = {
        GIT_INDEX_FILE: join(this.#folder, 'index'),
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_WORK_TREE: draft,
      }
      const tree = this.#path === '.' ? commit : `${commit}:${this.#path}`
      await this.#inMirror(['read-tree', tree], `find ${this.#path} in ${commit}`, signal, bare)
      await this.#inMirror(['checkout-index', '--all', '--force', `--prefix=${draft}/`], 'check out', signal, bare)
      await rename(draft, target)
    }
    await this.#point(commit)
    await this.#removeOthers(trees, commit)
    return target
  }

  /** A link that always leads to what was checked out last; it is there after the first time. */
  get current(): string {
    return join(this.#folder, 'current')
  }

  /** Whether one commit is behind another; a commit that the mirror no longer has is not. */
  async isAncestor(commit: string, of: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#inMirror(['merge-base', '--is-ancestor', commit, of], 'compare commits', signal)
      return true
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof IntegrationError) return false
      throw error
    }
  }

  /** Who changed a path below the watched folder last, as of a commit; `undefined` where nobody is known to have. */
  async lastChange(commit: string, path: string, signal: AbortSignal): Promise<ChangeAuthor | undefined> {
    const inside = normalize(join(this.#path, path))
    const format = '--format=%H%x00%an%x00%aI%x00%s'
    const found = await this.#inMirror(['log', '-1', format, commit, '--', inside], 'read the history', signal)
    const [changed = '', author = '', at = '', subject = ''] = found.trimEnd().split('\0')
    if (changed === '' || Number.isNaN(Date.parse(at))) return undefined
    return {
      commit: changed,
      author: visibleText(author).slice(0, 200),
      at: new Date(at).toISOString(),
      subject: visibleText(subject).slice(0, 200),
    }
  }

  get #mirror(): string {
    return join(this.#folder, 'mirror.git')
  }

  async #point(commit: string): Promise<void> {
    const draft = join(this.#folder, 'draft-link')
    await rm(draft, { force: true })
    await symlink(join('trees', commit), draft)
    await rename(draft, this.current)
  }

  async #removeOthers(trees: string, commit: string): Promise<void> {
    const others = (await readdir(trees)).filter((name) => name !== commit)
    const aged = await Promise.all(others.map(async (name) => ({ name, age: (await stat(join(trees, name))).mtimeMs })))
    // The one before may still be built from.
    const removed = aged.sort((left, right) => right.age - left.age).slice(1)
    for (const { name } of removed) await rm(join(trees, name), { recursive: true, force: true })
  }

  async #inMirror(
    args: readonly string[],
    doing: string,
    signal: AbortSignal,
    more: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    return this.#git([`--git-dir=${this.#mirror}`, ...args], doing, signal, more)
  }

  async #git(
    args: readonly string[],
    doing: string,
    signal: AbortSignal,
    more: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const settings = SETTINGS.flatMap((setting) => ['-c', setting])
    try {
      const { stdout } = await promisify(execFile)('git', [...settings, ...args], {
        env: { ...this.#environment, ...more },
        encoding: 'utf8',
        timeout: this.#patience,
        maxBuffer: OUTPUT_LIMIT,
        signal,
      })
      return stdout
    } catch (cause) {
      signal.throwIfAborted()
      throw this.#failed(doing, cause)
    }
  }

  #failed(doing: string, cause: unknown): IntegrationError {
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : ''
    const missing = hasSystemCode(cause, 'ENOENT') ? 'there is no program `git` on this machine' : ''
    const reason = missing || visibleText(said.split('\n').slice(-3).join('; ')).slice(0, 500) || messageOf(cause)
    return new IntegrationError('GIT_FAILED', `cannot ${doing} of ${this.#place.url}: ${reason}`, { cause })
  }
}

/** The protocol that an address is fetched by. Throws `GIT_REFUSED`. */
function protocolOf({ url, branch }: GitPlace): string {
  const refused = (reason: string) => new IntegrationError('GIT_REFUSED', `cannot fetch ${visibleText(url)}: ${reason}`)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\u0000-\u0020]/.test(url) || url.startsWith('-')) throw refused('it is no address')
  if (branch !== undefined && !/^[A-Za-z0-9_][A-Za-z0-9._/-]*$/.test(branch))
    throw refused(`${visibleText(branch)} is no branch`)
  if (isAbsolute(url) || url.startsWith('file://')) return 'file'
  const parsed = URL.parse(url)
  if (parsed?.password) {
    const reason = 'its password would be seen; have a credential helper or an SSH key say it'
    throw new IntegrationError('GIT_REFUSED', `cannot fetch from ${parsed.host}: ${reason}`)
  }
  if (parsed?.protocol === 'https:') return 'https'
  if (parsed?.protocol === 'ssh:' || /^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:(?!:)\S+$/.test(url)) return 'ssh'
  throw refused('want https://, ssh://, user@host:path, or the path of a folder')
}

function pathInside({ url, path = '.' }: GitPlace): string {
  const normal = normalize(path).replace(/\/+$/, '') || '.'
  if (!isAbsolute(normal) && !normal.startsWith('..') && !normal.includes(':')) return normal
  throw new IntegrationError(
    'GIT_REFUSED',
    `cannot watch ${visibleText(path)} of ${visibleText(url)}: it leaves the repository`,
  )
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (hasSystemCode(error, 'ENOENT')) return false
      throw error
    },
  )
}
