import { userInfo } from 'node:os'
import { rollBack } from '#factory'
import { openState, statePlace } from '#store'
import { UsageError } from '../errors.ts'
import { type ExitStatus, exitStatus } from '../exit-status.ts'
import type { Terminal } from '../terminal.ts'
import { visibleText } from '../visible-text.ts'
import { type FactoryVerbOptions, publishing, systemClock } from './open-factory.ts'
import { RegistryPublisher } from './publisher.ts'
import { repositoryOf } from './tools.ts'
import { wholeNumber } from './worker.ts'

/** The options of `casemate release --rollback`, as the command line gives them. */
export interface RollbackOptions extends FactoryVerbOptions {
  /** The number of a release, or `true` for the last that was another one. */
  readonly rollback: string | true
  readonly hold: boolean
  readonly reason?: string
  readonly json?: boolean
}

/**
 * Gives the tags of an earlier release back to it, and, unless told otherwise, holds the image there: what it was taken back from would
 * be released again by the next plan. Rejects with `USAGE_INVALID`, and as `rollBack`.
 */
export async function runRollback(
  images: readonly string[],
  options: RollbackOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const [image, ...more] = images
  if (image === undefined || more.length > 0) {
    throw new UsageError('USAGE_INVALID', 'cannot go back with several images at once: want one')
  }
  const to = options.rollback === true ? undefined : wholeNumber(options.rollback, '--rollback')
  const { home, trust } = await publishing(options)
  const state = await openState(statePlace(process.env, options.state))
  const publisher = new RegistryPublisher({ trust })
  const { store } = state
  try {
    const repository = repositoryOf({ home }, image)
    const asked = options.variant ?? (to === undefined ? 'runtime' : undefined)
    const variant = asked ?? (await variantOfRelease(store, image, to))
    const rollback = { image, variant, repository, ...(to === undefined ? {} : { to }) }
    const done = await rollBack(rollback, { store, publisher, clock: systemClock })
    const reason = options.reason ?? `rolled back to release ${done.to.id}`
    if (options.hold) await placeHold(store, image, reason)
    const { from, to: target, release } = done
    if (options.json === true) {
      const document = {
        schema: 'casemate.rollback/v1',
        image,
        variant,
        release,
        restores: target.id,
        digest: target.digest,
      }
      terminal.print(JSON.stringify({ ...document, tags: target.tags, held: options.hold }, null, 2))
    } else {
      terminal.print(
        visibleText(`${image} ${variant}: ${target.tags.join(', ')} name release ${target.id} again, ${target.digest}`),
      )
      terminal.print(`it was at release ${from.id}; this is release ${release}`)
      if (options.hold) terminal.print(visibleText(`held: ${reason}`))
    }
    return exitStatus.done
  } finally {
    await publisher.close()
    await state.close()
  }
}

type Store = Awaited<ReturnType<typeof openState>>['store']

/** The variant that a release is of; `runtime` where the image has no such release, which is then told. */
async function variantOfRelease({ releases }: Store, image: string, release: number | undefined): Promise<string> {
  for (const variant of await releases.variants(image)) {
    const history = await releases.history(image, variant, 1000)
    if (history.some(({ id }) => id === release)) return variant
  }
  return 'runtime'
}

/** The hold and its note, together. */
async function placeHold(store: Store, image: string, reason: string): Promise<void> {
  const at = systemClock.now()
  const by = userInfo().username
  await store.transaction(async (logs) => {
    const hold = await logs.decisions.hold({ image, reason, by, placed: at, until: undefined })
    await logs.ledger.append([{ kind: 'hold', subject: image, body: { hold, by, reason }, at }])
  })
}
