import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { FactorySettings } from '#factory'
import { GitRepository } from '#integrations'
import { formatError } from '../exit-status.ts'
import type { Terminal } from '../terminal.ts'

/** A factory's settings, with its definitions where they can be read. */
export interface CheckedOut {
  /** With a folder in place of a repository. */
  readonly settings: FactorySettings
  /** The repository that the folder is from. */
  readonly repository: GitRepository | undefined
}

/**
 * Fetches the repository that settings name as the place of definitions, and checks it out below a folder. A repository that does not answer
 * is no trouble while there is something from before. Rejects with `GIT_REFUSED`, `GIT_FAILED`.
 */
export async function checkOutDefinitions(
  settings: FactorySettings,
  folder: string,
  terminal: Terminal,
): Promise<CheckedOut> {
  const { definitions } = settings
  if (definitions === undefined || 'folder' in definitions) return { settings, repository: undefined }
  const { git: url, branch, path } = definitions
  const repository = new GitRepository(
    { url, branch, path },
    { folder: join(folder, 'definitions'), environment: process.env },
  )
  const never = new AbortController().signal
  try {
    terminal.progress('fetching the definitions …')
    await repository.checkOut(await repository.fetch(never), never)
  } catch (error) {
    const before = await realpath(repository.current).catch(() => undefined)
    if (before === undefined) throw error
    terminal.warn(`${formatError(error)}; the definitions are those from before`)
  }
  return { settings: { ...settings, definitions: { folder: repository.current } }, repository }
}
