import { describeHeld, describeReason, type PlannedImage, type Reason, type SupportEnd } from '#factory'
import type { PrintedPlan } from './plan.ts'
import { formatTable, type Terminal } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** A plan for people: what is done now in the order of work, what is held and until when, and how much stays as it is. */
export function planLines(
  { plan, unchanged, unknown, support, next, images, basis }: PrintedPlan,
  { width, style }: Pick<Terminal, 'width' | 'style'>,
  all: boolean,
): readonly string[] {
  const now = plan.images.filter(({ held }) => held === undefined)
  const held = plan.images.filter((one) => one.held !== undefined)
  const same = images - plan.images.length - unknown.length
  const counts = [`${now.length} to rebuild`, `${held.length} held`, `${same} as they are`]
  if (unknown.length > 0) counts.push(`${unknown.length} unknown`)
  const rows = [
    ...now.flatMap((image) => rowsOf(image, 'now')),
    ...held.flatMap((image) => rowsOf(image, 'held')),
    ...unknown.map(({ image, reason }) => ['unknown', image, reason]),
    ...(all ? unchanged.map(({ image, reason }) => ['same', image, reason]) : []),
  ]
  const lines = formatTable(
    rows.map((row) => row.map(visibleText)),
    { width },
  )
  const ends = support.map(supportLine).map(visibleText)
  const said = basis === 'locks' ? ['by the locks and the archives as they are today; no database was asked'] : []
  const later =
    next === undefined ? [] : [`the next of what is held may go at ${next.slice(0, 16).replace('T', ' ')} UTC`]
  return [style('bold', `${images} images: ${counts.join(', ')}`), ...lines, ...later, ...ends, ...said]
}

function supportLine({ image, supporter, date, left, state }: SupportEnd): string {
  const what = supporter === 'archive' ? "Debian's support of" : "upstream's support of"
  return state === 'ended' ? `${what} ${image} ended on ${date}` : `${what} ${image} ends on ${date}, in ${left} days`
}

/** What an image is rebuilt for, a row for each reason; what holds it comes first. */
function rowsOf({ image, after, reasons, held }: PlannedImage, state: string): string[][] {
  const order = after.length === 0 ? [] : [`after ${after.join(', ')}`]
  const texts = [...(held === undefined ? order : [describeHeld(held)]), ...reasons.map(reasonOf(held !== undefined))]
  return texts.map((text, index) => (index === 0 ? [state, image, text] : ['', '', text]))
}

/** Of a held image, why a reason waits is told once, above. */
function reasonOf(isHeld: boolean): (reason: Reason) => string {
  return ({ waits, ...reason }) => describeReason(isHeld || waits === undefined ? reason : { ...reason, waits })
}
