import { createHash } from 'node:crypto'
import { type OpenedImage, type OpenedLayer, readLayerContent } from '#oci'
import type { ImageSecrets } from '#policy'
import { findSecretsIn, LayerSearch, type LayerSecrets, readSecretKinds, SecretSearch } from '#secrets'
import type { KnownLayers } from './known-layers.ts'
import { LayerNotes } from './layer-notes.ts'

/** To be raised when what is noted of a layer changes; the kinds that are looked for count beside it. */
const FORMAT = 1

/**
 * Looks for secrets in every file of every layer, those that later layers hide among them, because who pulls the image gets them
 * all, and in its config. What was found in a layer is remembered by its digest. Rejects as reading layers does, and closes the image then.
 */
export async function readImageSecrets(image: OpenedImage, known?: KnownLayers): Promise<ImageSecrets> {
  try {
    return await secretsOf(image, known)
  } catch (error) {
    await image.close()
    throw error
  }
}

async function secretsOf(image: OpenedImage, known: KnownLayers | undefined): Promise<ImageSecrets> {
  const search = idle.pop() ?? new SecretSearch(readSecretKinds().kinds)
  const notes = new LayerNotes('layer-secrets', noteFormat())
  const layers: LayerSecrets[] = []
  for (const layer of image.layers) {
    const found = known?.secretsOf(layer) ?? (await secretsOfLayer(layer, search, notes))
    known?.keepSecrets(layer, found)
    layers.push(found)
  }
  const config = configTexts(image).map(([place, written]) => {
    return { place, secrets: findSecretsIn(`${written}\n`, '/config', search) }
  })
  // One that broke off in a file is not used again.
  idle.push(search)
  return { layers, config: config.filter(({ secrets }) => secrets.length > 0) }
}

/** Searches that nobody uses just now: each takes one file after the other, and making one takes longer than a small layer. */
const idle: SecretSearch[] = []
let format: string | undefined

function noteFormat(): string {
  format ??= `${FORMAT} ${createHash('sha256').update(readSecretKinds().text).digest('hex')}`
  return format
}

async function secretsOfLayer(layer: OpenedLayer, search: SecretSearch, notes: LayerNotes): Promise<LayerSecrets> {
  const known = await notes.recall(layer)
  // The notes' sum vouches for the form: nobody else writes it.
  if (known !== undefined) return JSON.parse(known)
  const files = new LayerSearch(search, () => createHash('md5'))
  await readLayerContent(layer, { wants: () => false, take: (file) => files.sink(file) })
  const found = files.finish()
  await notes.keep(layer, JSON.stringify(found))
  return found
}

/** What our own builds write into the history: packages with their versions. */
const OWN_HISTORY = /^casemate: [A-Za-z0-9.+:~, -]*$/

/** Everything that somebody has written into a config, with what it is called. */
function configTexts({ config: { config, history = [] } }: OpenedImage): readonly (readonly [string, string])[] {
  const { Env = [], Labels = {}, Entrypoint, Cmd } = config
  return [
    ...Env.map((one) => [`config env ${one.split('=', 1)[0]}`, one] as const),
    ...Object.entries(Labels).map(([name, value]) => [`config label ${name}`, `${name}=${value}`] as const),
    ['config entrypoint', (Entrypoint ?? []).join(' ')],
    ['config cmd', (Cmd ?? []).join(' ')],
    ...history.map(({ created_by = '', comment = '' }, place) => {
      const made = OWN_HISTORY.test(created_by) ? '' : created_by
      return [`config history ${place + 1}`, `${made}\n${comment}`] as const
    }),
  ]
}
