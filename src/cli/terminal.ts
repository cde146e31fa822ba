import { styleText } from 'node:util'

/** Where a verb writes for people: results to standard output, progress and notices to standard error. */
export interface Terminal {
  /** Writes a line of the result. */
  print(line?: string): void
  /** Writes a notice that must not get lost: stale data, an accepted expiry. */
  warn(line: string): void
  /** Replaces the progress line; shown on a terminal only. The empty text takes it away. */
  progress(text: string): void
  /** Replaces the lines of a picture that changes; shown on a terminal only. No lines take it away. */
  picture(lines: readonly string[]): void
  /** Whether progress is shown at all. */
  readonly isLive: boolean
  /** Characters in a line. */
  readonly width: number
  /** Makes a text stand out where colours are wanted. */
  style(format: 'bold' | 'dim' | 'green' | 'red' | 'yellow', text: string): string
}

/** Opens the process's own terminal. Colours follow NO_COLOR and FORCE_COLOR, as `styleText` reads them. */
export function openTerminal(): Terminal {
  const { stdout, stderr } = process
  let isProgressShown = false
  let pictureLines = 0
  const clear = () => {
    if (isProgressShown) stderr.write('\r\u001B[K')
    if (pictureLines > 0) stderr.write(`\u001B[${pictureLines}F\u001B[J`)
    isProgressShown = false
    pictureLines = 0
  }
  return {
    print(line = '') {
      clear()
      stdout.write(`${line}\n`)
    },
    warn(line) {
      clear()
      stderr.write(`${styleText('yellow', 'warning:', { stream: stderr })} ${line}\n`)
    },
    progress(text) {
      if (!stderr.isTTY) return
      clear()
      if (text === '') return
      stderr.write(text.slice(0, (stderr.columns || 80) - 1))
      isProgressShown = true
    },
    picture(lines) {
      if (!stderr.isTTY) return
      clear()
      if (lines.length > 0) stderr.write(`${lines.join('\n')}\n`)
      pictureLines = lines.length
    },
    isLive: stderr.isTTY,
    width: stdout.isTTY ? Math.max(40, stdout.columns || 80) : 100,
    style: (format, text) => styleText(format, text, { stream: stdout }),
  }
}

/**
 * Writes rows in columns; those named `right` are aligned to the right. The last column is cut with an ellipsis where a
 * row would be wider than the terminal.
 */
export function formatTable(
  rows: readonly (readonly string[])[],
  options: { width: number; right?: readonly number[] },
): string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  }
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      if (options.right?.includes(column)) return cell.padStart(widths[column] ?? 0)
      return column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)
    })
    const line = cells.join('  ').trimEnd()
    return cutText(line, options.width)
  })
}

/** A text in so many characters at most, with an ellipsis where it had more. */
export function cutText(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(1, width - 1))}…` : text
}

/** Writes a number of bytes for people: `843 B`, `12.4 MB`; a megabyte is a million bytes. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const units = ['kB', 'MB', 'GB', 'TB']
  let value = bytes / 1000
  let unit = 0
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${value.toFixed(1)} ${units[unit]}`
}

/** Writes a duration in milliseconds for people: `85 ms`, `4.2 s`. */
export function formatDuration(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`
}
