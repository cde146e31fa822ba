import type { FactorySettings } from '#factory'
import { openWebhooks, Teller } from '#integrations'
import type { OpenStore } from '#store'
import type { Terminal } from '../terminal.ts'

/** Who tells, and of what. */
export interface TellingOptions {
  readonly store: OpenStore
  readonly settings: Pick<FactorySettings, 'notify'>
  /** `HOST:PORT`, by which the factory is known. */
  readonly address: string
  readonly terminal: Terminal
  /** Who an image belongs to, by its definition. */
  ownerOf(image: string): string | undefined
}

/** Begins to tell the webhooks of the settings what is recorded. Rejects with `WEBHOOK_INVALID`. */
export async function startTeller({ store, settings, address, terminal, ownerOf }: TellingOptions): Promise<Teller> {
  const teller = new Teller({
    ...{ store, ownerOf, webhooks: await openWebhooks(settings.notify, process.env), source: `http://${address}` },
    onTold: ({ webhook, message, outcome }) => {
      if (outcome.state === 'dead') terminal.warn(`${webhook} was never told "${message.title}": ${outcome.reason}`)
    },
    onTrouble: (reason) => terminal.warn(reason),
  })
  teller.start()
  return teller
}
