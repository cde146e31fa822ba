import type { Release } from '#factory'
import { openState, statePlace } from '#store'
import { type ExitStatus, exitStatus } from '../exit-status.ts'
import { formatTable, type Terminal } from '../terminal.ts'
import { visibleText } from '../visible-text.ts'
import { wholeNumber } from './worker.ts'

/** The options of `casemate release list`, as the command line gives them. */
export interface ReleaseListOptions {
  readonly state: string
  readonly variant?: string
  readonly limit: string
  readonly json?: boolean
}

/** Prints the releases of an image, the newest first. The status is "no" for one that was never released. */
export async function runReleaseList(
  image: string,
  options: ReleaseListOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const limit = wholeNumber(options.limit, '--limit')
  const state = await openState(statePlace(process.env, options.state))
  try {
    const { releases } = state.store
    const variants = options.variant === undefined ? await releases.variants(image) : [options.variant]
    const all = await Promise.all(variants.map((variant) => releases.history(image, variant, limit)))
    const found = all.flat().sort((left, right) => right.id - left.id)
    if (options.json === true)
      terminal.print(JSON.stringify({ schema: 'casemate.releases/v1', image, releases: found }, null, 2))
    else if (found.length === 0) terminal.print(visibleText(`${image} was never released`))
    else
      for (const line of formatTable([HEADER, ...found.map(row)], { width: terminal.width, right: [0] }))
        terminal.print(line)
    return found.length === 0 ? exitStatus.no : exitStatus.done
  } finally {
    await state.close()
  }
}

const HEADER = ['release', 'variant', 'at', 'digest', 'run', 'tags']

function row({ id, variant, released, digest, run, restores, tags }: Release): string[] {
  const cause = run !== undefined ? String(run) : restores !== undefined ? `back to ${restores}` : '-'
  return [
    String(id),
    variant,
    `${released.slice(0, 16).replace('T', ' ')}`,
    digest.slice(7, 19),
    cause,
    tags.map(visibleText).join(' '),
  ]
}
