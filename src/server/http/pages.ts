import { formatCursor, parseCursor } from './cursor.ts'
import type { Answer } from './route.ts'
import { PAGE } from './shapes.ts'

/** What a list is asked for. */
interface Paging {
  readonly cursor?: string
  readonly limit?: number
}

/** A list that has the newest first, by number: reads one item more than is shown, to know whether others follow. */
export async function pageBackward<Item extends { readonly id: number }>(
  { cursor, limit = PAGE }: Paging,
  read: (part: { before: number; limit: number }) => Promise<readonly Item[]>,
  show: (item: Item) => object = (item) => item,
): Promise<Answer> {
  const [before] = cursor === undefined ? [Number.MAX_SAFE_INTEGER] : parseCursor(cursor, ['number'])
  return answerOf(await read({ before, limit: limit + 1 }), { limit, place: ({ id }) => [id], show })
}

/** A list in the order of names: `names` are those of an item, as many as `parts`. */
export async function pageForward<Item>(
  { cursor, limit = PAGE }: Paging,
  {
    parts,
    names,
    read,
    show = (item) => item as object,
  }: {
    parts: number
    names: (item: Item) => readonly string[]
    read: (part: { after: readonly string[]; limit: number }) => Promise<readonly Item[]>
    show?: (item: Item) => object
  },
): Promise<Answer> {
  const types = Array.from({ length: parts }, () => 'string' as const)
  const after = cursor === undefined ? types.map(() => '') : parseCursor(cursor, types)
  return answerOf(await read({ after, limit: limit + 1 }), { limit, place: names, show })
}

function answerOf<Item>(
  items: readonly Item[],
  {
    limit,
    place,
    show,
  }: { limit: number; place: (item: Item) => readonly (string | number)[]; show: (item: Item) => object },
): Answer {
  const shown = items.slice(0, limit)
  const last = shown.at(-1)
  const next = items.length > limit && last !== undefined ? formatCursor(place(last)) : null
  return { json: { items: shown.map(show), next } }
}
