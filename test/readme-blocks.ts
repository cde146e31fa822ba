/** A fenced block of a Markdown file. `line` is the one of its opening fence, from 1. */
export interface FencedBlock {
  readonly language: string
  readonly line: number
  readonly text: string
}

/** Gives the fenced blocks of a Markdown text, in order. Throws for one that is not closed. */
export function fencedBlocks(markdown: string): readonly FencedBlock[] {
  const blocks: FencedBlock[] = []
  let open: { language: string; line: number; lines: string[] } | undefined
  for (const [index, text] of markdown.split('\n').entries()) {
    const [, language] = /^```(\w*)\s*$/.exec(text) ?? []
    if (open === undefined) {
      if (language !== undefined) open = { language, line: index + 1, lines: [] }
    } else if (language === '') {
      blocks.push({ language: open.language, line: open.line, text: open.lines.join('\n') })
      open = undefined
    } else {
      open.lines.push(text)
    }
  }
  if (open !== undefined) throw new Error(`the block that opens on line ${open.line} is not closed`)
  return blocks
}

/** The commands of the `sh` blocks of a README, a line each, in order; every one of them is run by `.ci/run`. */
export function shellCommands(markdown: string): readonly string[] {
  return fencedBlocks(markdown)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.split('\n'))
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '')
}
