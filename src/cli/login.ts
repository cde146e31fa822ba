import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { checkLogin, isRegistry, readAuthorities, removeLogin, storeLogin } from '#oci'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import type { Terminal } from './terminal.ts'

/** The options of `casemate login`, as the command line gives them. */
export interface LoginOptions {
  readonly username: string
  readonly passwordStdin?: boolean
  readonly ca?: string
  readonly json?: boolean
}

/** More than any token has. */
const MAX_PASSWORD = 64 * 1024

/** Checks a password with a registry, keeps it and prints where. Rejects as `checkLogin` and `storeLogin` do. */
export async function runLogin(registry: string, options: LoginOptions, terminal: Terminal): Promise<ExitStatus> {
  checkRegistry(registry, 'log in to')
  const { username } = options
  if (username === '' || username.includes(':')) {
    throw new UsageError('USAGE_INVALID', `cannot log in to ${registry} as "${username}": a user's name has no colon`)
  }
  const authorities = options.ca === undefined ? [] : await readAuthorities(options.ca)
  const password = await readPassword(`password of ${username} at ${registry}: `, options.passwordStdin === true)
  if (password === '') throw new UsageError('USAGE_INVALID', `cannot log in to ${registry}: the password is empty`)
  await checkLogin(registry, { username, password }, { authorities })
  const kept = await storeLogin(registry, { username, password })
  if (options.json === true) terminal.print(JSON.stringify({ registry, username, kept }, null, 2))
  else terminal.print(`logged in to ${registry} as ${username}; kept in ${kept}`)
  return exitStatus.done
}

/** Forgets the credentials for a registry and prints where they were. Rejects as `removeLogin` does. */
export async function runLogout(
  registry: string,
  options: { json?: boolean },
  terminal: Terminal,
): Promise<ExitStatus> {
  checkRegistry(registry, 'log out of')
  const removed = await removeLogin(registry)
  if (options.json === true) terminal.print(JSON.stringify({ registry, removed }, null, 2))
  else if (removed.length === 0) terminal.print(`no credentials for ${registry} are kept`)
  else terminal.print(`logged out of ${registry}; removed from ${removed.join(', ')}`)
  return exitStatus.done
}

function checkRegistry(text: string, action: string): void {
  if (isRegistry(text)) return
  throw new UsageError('USAGE_INVALID', `cannot ${action} "${text}": want HOST[:PORT], without a scheme or a path`)
}

/** Reads a password from standard input: all of it, or from a terminal a line that is not shown. */
async function readPassword(prompt: string, isPiped: boolean): Promise<string> {
  const { stdin, stderr } = process
  if (isPiped || !stdin.isTTY) return readWhole(stdin)
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: unseen, terminal: true })
  try {
    stderr.write(prompt)
    return await new Promise((resolve, reject) => {
      lines.question('').then(resolve, () => undefined)
      const reason = 'cannot log in: no password was given'
      lines.once('close', () => reject(new UsageError('USAGE_INVALID', reason)))
    })
  } finally {
    lines.close()
    stderr.write('\n')
  }
}

async function readWhole(input: AsyncIterable<string | Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > MAX_PASSWORD) {
      throw new UsageError('USAGE_INVALID', `cannot take a password of more than ${MAX_PASSWORD} bytes`)
    }
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
    .toString()
    .replace(/\r?\n$/, '')
}
