import { type ImageFiles, type LayerContent, mergeLayers, type OpenedLayer, readLayerContent } from '#oci'
import { isPatchPath } from '#patch'
import { type ContentNote, contentOfNote, noteOfContent } from './content-note.ts'
import { LayerNotes } from './layer-notes.ts'

/** To be raised when what a patch asks of layers changes between two releases. */
const FORMAT = '1'

/**
 * Reads an image's files as a patch asks for them. What a layer holds is kept in the cache: it is known of the very bytes that
 * its digest names, which were verified when they were read. Rejects as `readLayerContent` does.
 */
export async function readPatchedFiles(layers: readonly OpenedLayer[]): Promise<ImageFiles> {
  const notes = new LayerNotes('patched-layers', FORMAT)
  const contents: LayerContent[] = []
  for (const layer of layers) {
    const note = await notes.noted(layer)
    // The notes' sum vouches for the form: nobody else writes it.
    const known = note === undefined ? undefined : contentOfNote(JSON.parse(note) as ContentNote)
    const content = known ?? (await readLayerContent(layer, { wants: isPatchPath }))
    if (known === undefined) await notes.keep(layer, JSON.stringify(noteOfContent(content)))
    contents.push(content)
  }
  return mergeLayers(contents)
}
