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

/** What a reader of a README does: runs a command, or keeps a definition as the file that the text calls it. */
export type ReadmeStep =
  | { readonly kind: 'command'; readonly line: string }
  | { readonly kind: 'definition'; readonly path: string; readonly text: string }

/** A README's `sh` blocks, a line a step, and its definitions as `IMAGE/casemate.yaml`, in order. */
export function readmeSteps(markdown: string): readonly ReadmeStep[] {
  return fencedBlocks(markdown).flatMap(({ language, text }): ReadmeStep[] => {
    if (language === 'sh') {
      const lines = text.split('\n').filter((line) => line.trim() !== '')
      return lines.map((line) => ({ kind: 'command', line }))
    }
    const [, image] = /^image: (\S+)$/m.exec(text) ?? []
    if (language !== 'yaml' || image === undefined) return []
    return [{ kind: 'definition', path: `${image}/casemate.yaml`, text: `${text}\n` }]
  })
}
