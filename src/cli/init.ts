import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { hasSystemCode } from '#core'
import { DEFINITION_FILE, firstDefinition } from '#image'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import type { Terminal } from './terminal.ts'

/** Writes a first definition into a folder; a definition that is there already is left alone. */
export async function runInit(
  name: string | undefined,
  options: { json?: boolean },
  terminal: Terminal,
): Promise<ExitStatus> {
  const folder = resolve(name ?? '.')
  const image = basename(folder)
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(image)) {
    throw new UsageError('USAGE_INVALID', `cannot name an image "${image}": want lower-case letters, digits and . _ -`)
  }
  await mkdir(folder, { recursive: true })
  const file = join(folder, DEFINITION_FILE)
  try {
    await writeFile(file, firstDefinition(image), { flag: 'wx' })
  } catch (error) {
    const exists = hasSystemCode(error, 'EEXIST')
    throw exists ? new UsageError('USAGE_INVALID', `cannot write ${file}: there is one already`) : error
  }
  if (options.json === true) terminal.print(JSON.stringify({ file }))
  else terminal.print(`wrote ${file}\nnext:  casemate build ${name === undefined ? '.' : `./${name}`}`)
  return exitStatus.done
}
