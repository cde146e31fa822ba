import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { collectGarbageIn, scrubFolder } from '#oci/registry'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { formatBytes, formatTable, type Terminal } from './terminal.ts'
import { visibleText } from './visible-text.ts'

const HOUR = 3_600_000

/** Collects garbage in a registry's folder, and prints what went. */
export async function runRegistryGc(
  dir: string,
  options: { grace: string; untagged?: boolean; json?: boolean },
  terminal: Terminal,
): Promise<ExitStatus> {
  if (!/^\d{1,6}$/.test(options.grace)) {
    throw new UsageError('USAGE_INVALID', `cannot use "${options.grace}" for --grace: want a number of hours`)
  }
  const report = await collectGarbageIn(registryFolder(dir), {
    grace: Number(options.grace) * HOUR,
    untagged: options.untagged === true,
  })
  if (options.json === true) {
    terminal.print(JSON.stringify(report, null, 2))
    return exitStatus.done
  }
  const rows = [
    ['images without a tag', String(report.manifests)],
    ['blobs that no image of their repository needs', String(report.links)],
    ['contents that no repository has any more', `${report.contents} (${formatBytes(report.bytes)})`],
    ['files of pushes that were never acknowledged', String(report.orphans)],
  ]
  for (const line of formatTable([['REMOVED', ''], ...rows], terminal)) terminal.print(line)
  return exitStatus.done
}

/** Reads everything in a registry's folder again, and prints what is damaged. */
export async function runRegistryScrub(
  dir: string,
  options: { json?: boolean },
  terminal: Terminal,
): Promise<ExitStatus> {
  const report = await scrubFolder(registryFolder(dir))
  const isWhole = report.damaged.length + report.broken.length === 0
  if (options.json === true) terminal.print(JSON.stringify(report, null, 2))
  else {
    terminal.print(
      `read ${report.contents} contents, ${formatBytes(report.bytes)}: ${isWhole ? 'all are whole' : `${report.damaged.length} are damaged`}`,
    )
    for (const { digest, quarantine } of report.damaged)
      terminal.print(`  ${digest}  ${quarantine === undefined ? 'is gone' : `put aside as ${quarantine}`}`)
    for (const line of report.broken) terminal.print(`  ${visibleText(line)}`)
    if (!isWhole) terminal.print('push the images that lack something again: that heals them')
  }
  return isWhole ? exitStatus.done : exitStatus.no
}

function registryFolder(dir: string): string {
  const folder = resolve(dir)
  if (existsSync(join(folder, 'journal'))) return folder
  throw new UsageError(
    'USAGE_INVALID',
    `cannot use ${dir}: it is no registry's folder; begin one by casemate registry serve`,
  )
}
