import { FactoryError, rollBack } from '#factory'
import type { Scheduler } from '#integrations'
import type { FactoryCommands, Wish } from '#server'
import type { OpenStore } from '#store'
import { systemClock } from './open-factory.ts'
import type { PlanningLoop } from './planning-loop.ts'
import type { RegistryPublisher } from './publisher.ts'
import { repositoryOf } from './tools.ts'

/** What the API has done by the parts of a factory that run in this process. */
export interface CommandTools {
  readonly store: OpenStore
  readonly planner: PlanningLoop
  readonly scheduler: Scheduler
  readonly publisher: RegistryPublisher
  readonly home: string
}

/** What a running factory does at once on somebody's word. */
export function upCommands(tools: CommandTools): FactoryCommands {
  const { planner, scheduler } = tools
  return {
    preview: async (images) => {
      const { plan } = await planner.preview()
      return images === undefined
        ? plan
        : { ...plan, images: plan.images.filter(({ image }) => images.includes(image)) }
    },
    look: async (subject) => {
      const [archive] = subject.split('/')
      const troubles = (await scheduler.lookNow(`archive ${archive}`)) ?? (await scheduler.lookNow(subject))
      return troubles !== undefined
    },
    rollback: (release, wish) => goBack(tools, release, wish),
  }
}

async function goBack(
  { store, publisher, home }: CommandTools,
  release: number,
  { by, reason }: Wish,
): Promise<number> {
  const target = await store.history.release(['**'], release)
  if (target === undefined)
    throw new FactoryError('RELEASE_UNKNOWN', `cannot go back to release ${release}: there is none`)
  const { image, variant } = target
  const ports = { store, publisher, clock: systemClock }
  const done = await rollBack({ image, variant, to: release, repository: repositoryOf({ home }, image) }, ports)
  const placed = systemClock.now()
  const words = `rolled back to release ${release}: ${reason}`
  await store.transaction(async ({ decisions, ledger }) => {
    const hold = await decisions.hold({ image, reason: words, by, placed, until: undefined })
    await ledger.append([{ kind: 'hold', subject: image, body: { hold, by, reason: words }, at: placed }])
  })
  return done.release
}
