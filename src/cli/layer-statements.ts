import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasSystemCode, messageOf } from '#core'
import { openImage, parsePlatform, parseReference } from '#oci'
import { formatLayerStatement, layerStatementFile } from '#sbom'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { readLayerStatement } from './layer-statement.ts'
import { writeWhole } from './print-output.ts'
import { formatTable, type Terminal } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** Where statements go, and of which image of an index they are. */
interface StatementOrder {
  readonly platform: string
  readonly folder: string
}

/**
 * Writes for each layer of an image what it says of its files, a file named by the diff ID, and prints their names. A file
 * that says the same already is left as it is. Rejects as `openImage` and `readLayerStatement` do, and with `USAGE_INVALID`
 * when the folder cannot be written.
 */
export async function writeLayerStatements(
  reference: string,
  { platform, folder }: StatementOrder,
  terminal: Terminal,
): Promise<ExitStatus> {
  await makeFolder(folder)
  const image = await openImage(parseReference(reference), { platform: parsePlatform(platform) })
  try {
    const rows: string[][] = []
    for (const layer of image.layers) {
      const statement = await readLayerStatement(layer)
      for (const fault of statement.faults) terminal.warn(visibleText(fault))
      const file = join(folder, layerStatementFile(layer.diffId))
      const outcome = await writeStatement(file, formatLayerStatement(statement))
      rows.push([outcome, `${statement.files.length} files`, file])
    }
    for (const line of formatTable(rows, { width: Number.POSITIVE_INFINITY })) terminal.print(line)
    return exitStatus.done
  } finally {
    await image.close()
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
  } catch (cause) {
    throw new UsageError('USAGE_INVALID', `cannot make ${folder}: ${messageOf(cause)}`, { cause })
  }
}

/** Reads what is there first: who keeps these files sees which layers are new. */
async function writeStatement(file: string, text: string): Promise<'written' | 'there'> {
  if ((await textAt(file)) === text) return 'there'
  await writeWhole(text, file)
  return 'written'
}

async function textAt(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    if (hasSystemCode(cause, 'ENOENT')) return undefined
    throw new UsageError('USAGE_INVALID', `cannot read ${file}: ${messageOf(cause)}`, { cause })
  }
}
