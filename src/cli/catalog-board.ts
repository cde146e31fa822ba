import { CATEGORIES, type Category } from '#image'
import { formatDuration, type Terminal } from './terminal.ts'

/** How far one image of the catalogue is: its builds are variants by platforms. */
export interface BoardImage {
  readonly name: string
  readonly category: Category
  readonly builds: number
  readonly done: number
  readonly running: number
  readonly failed: boolean
}

/** Everything that the board shows. */
export interface BoardState {
  readonly images: readonly BoardImage[]
  readonly members: { readonly made: number; readonly reused: number }
  /** Milliseconds since the start. */
  readonly elapsed: number
}

const MARKS = { waiting: '○', running: '◐', done: '●', failed: '✗' } as const

/** Draws the board: a bar with what is left, then every image by category with its mark. No line is wider than the terminal. */
export function drawBoard(
  { images, members, elapsed }: BoardState,
  { width, style }: Pick<Terminal, 'width' | 'style'>,
): string[] {
  const builds = images.reduce((sum, image) => sum + image.builds, 0)
  const done = images.reduce((sum, image) => sum + image.done, 0)
  const left = done === 0 || done === builds ? '' : `, about ${formatDuration((elapsed / done) * (builds - done))} left`
  const text = `${done}/${builds} images  ${formatDuration(elapsed)}${left}`
  const room = Math.max(10, Math.min(40, width - text.length - 2))
  const filled = builds === 0 ? 0 : Math.floor((room * done) / builds)
  const bar = `${style('green', '━'.repeat(filled))}${style('dim', '━'.repeat(room - filled))}`
  const packages = style('dim', `packages: ${members.made} made ready, ${members.reused} at hand`)
  return [
    `${bar}  ${text}`,
    packages,
    ...CATEGORIES.flatMap((category) => drawCategory(category, images, { width, style })),
  ]
}

function drawCategory(
  category: Category,
  images: readonly BoardImage[],
  { width, style }: Pick<Terminal, 'width' | 'style'>,
): string[] {
  const own = images.filter((image) => image.category === category)
  if (own.length === 0) return []
  const lines: string[] = []
  const indent = 12
  let line = ''
  let used = indent
  for (const image of own) {
    const cell = image.name.length + 4
    if (used + cell > width && line !== '') {
      lines.push(line)
      line = ''
      used = indent
    }
    line += `${drawImage(image, style)}  `
    used += cell
  }
  return [...lines, line].map((text, number) => `${(number === 0 ? category : '').padEnd(indent)}${text.trimEnd()}`)
}

function drawImage(image: BoardImage, style: Terminal['style']): string {
  if (image.failed) return style('red', `${MARKS.failed} ${image.name}`)
  if (image.done === image.builds) return `${style('green', MARKS.done)} ${image.name}`
  if (image.running > 0 || image.done > 0) return style('yellow', `${MARKS.running} ${image.name}`)
  return style('dim', `${MARKS.waiting} ${image.name}`)
}
