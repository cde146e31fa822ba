/**
 * Loaded before a program, this makes its wall clock wrong by as many milliseconds as stand in the file CLOCK_OFFSET, from when they stand
 * there. Monotonic time and other programs' clocks, the database's among them, go on as ever.
 */
import { readFileSync } from 'node:fs'

const path = process.env['CLOCK_OFFSET']
const Real = globalThis.Date

function offset(): number {
  return path === undefined ? 0 : Number(readFileSync(path, 'utf8')) || 0
}

class JumpingDate extends Real {
  constructor(...given: readonly (string | number | Date)[]) {
    const [first, ...rest] = given
    if (first === undefined) super(JumpingDate.now())
    else if (rest.length === 0) super(first)
    else super(Real.UTC(Number(first), ...rest.map(Number)))
  }

  static override now(): number {
    return Real.now() + offset()
  }
}

Object.defineProperty(globalThis, 'Date', { value: JumpingDate, configurable: true, writable: true })
