import { open } from 'node:fs/promises'
import type { PublicKey } from '#attest'
import { AttestError } from '#attest'
import { messageOf, readLines } from '#core'
import {
  FactoryError,
  formatLedgerCheckpoint,
  formatLedgerEntry,
  LedgerCheck,
  type LedgerLine,
  ledgerLines,
  MAX_LEDGER_LINE,
  openCheckpoint,
  parseLedgerLine,
} from '#factory'
import { openState, statePlace } from '#store'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import type { Terminal } from './terminal.ts'
import { readPublicKeys } from './vex-files.ts'

/** The options of `casemate ledger`, as the command line gives them. */
export interface LedgerOptions {
  readonly state: string
  readonly key?: readonly string[]
  readonly json?: boolean
}

/** What was found of a ledger. */
interface Examined {
  readonly entries: number
  readonly digest: string
  /** Checkpoints, and how many of them are believed. */
  readonly checkpoints: number
  readonly believed: number
  /** The last entry that a believed checkpoint vouches for; 0 where there is none. */
  readonly vouched: number
}

/**
 * Holds a ledger against its chain and its checkpoints against keys. Answers "no" where history was changed, where a checkpoint is
 * signed by nobody who is believed, and where keys are given and no checkpoint vouches for anything.
 */
export async function runLedgerVerify(
  file: string | undefined,
  { state, key = [], json = false }: LedgerOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const keys = await readPublicKeys(key)
  const say = (answer: object, lines: readonly string[]) => {
    if (json) terminal.print(JSON.stringify({ schema: 'casemate.ledger/v1', ...answer }, undefined, 2))
    else for (const line of lines) terminal.print(line)
  }
  try {
    const examined = await examineAt(file, { state, keys })
    const isVouched = keys.length === 0 || examined.believed > 0
    say(
      { whole: isVouched, ...examined, ...(isVouched ? {} : { reason: 'no checkpoint' }) },
      describe(examined, keys.length > 0),
    )
    return isVouched ? exitStatus.done : exitStatus.no
  } catch (error) {
    const isAnswer =
      (error instanceof FactoryError && error.code !== 'LEDGER_INVALID') ||
      (error instanceof AttestError && error.code.startsWith('ENVELOPE_'))
    if (!isAnswer) throw error
    say({ whole: false, reason: error.message }, [error.message])
    return exitStatus.no
  }
}

/** Prints the ledger of a database as lines. */
export async function runLedgerExport({ state }: LedgerOptions, terminal: Terminal): Promise<ExitStatus> {
  const opened = await openState(statePlace(process.env, state))
  try {
    for await (const line of ledgerLines(opened.store.ledger)) {
      terminal.print('entry' in line ? formatLedgerEntry(line.entry) : formatLedgerCheckpoint(line.checkpoint))
    }
  } finally {
    await opened.close()
  }
  return exitStatus.done
}

function describe({ entries, digest, checkpoints, believed, vouched }: Examined, hasKeys: boolean): string[] {
  const unverified = checkpoints === 0 ? 'none' : `${checkpoints}, not verified: name who is believed by --key`
  const verified =
    believed === 0 ? 'none, so nobody vouches for it' : `${believed}, which vouch for entries 1 to ${vouched}`
  return [
    `entries      ${entries}, each follows from the one before`,
    `ends with    ${digest}`,
    `checkpoints  ${hasKeys ? verified : unverified}`,
  ]
}

async function examineAt(
  file: string | undefined,
  { state, keys }: { state: string; keys: readonly PublicKey[] },
): Promise<Examined> {
  if (file !== undefined) return await examine(linesOfFile(file), keys)
  const opened = await openState(statePlace(process.env, state))
  try {
    return await examine(ledgerLines(opened.store.ledger), keys)
  } finally {
    await opened.close()
  }
}

async function examine(lines: AsyncIterable<LedgerLine>, keys: readonly PublicKey[]): Promise<Examined> {
  const check = new LedgerCheck()
  let checkpoints = 0
  let vouched = 0
  for await (const line of lines) {
    if ('entry' in line) {
      check.add(line.entry)
      continue
    }
    checkpoints++
    if (keys.length === 0) continue
    check.confirm(openCheckpoint(line.checkpoint, keys))
    vouched = check.tip.sequence
  }
  const { sequence: entries, digest } = check.tip
  return { entries, digest, checkpoints, believed: keys.length === 0 ? 0 : checkpoints, vouched }
}

async function* linesOfFile(path: string): AsyncGenerator<LedgerLine> {
  const file = await open(path).catch((cause: unknown) => {
    throw new UsageError('USAGE_INVALID', `cannot read ${path}: ${messageOf(cause)}`, { cause })
  })
  const tooLong = (line: number) =>
    new FactoryError(
      'LEDGER_INVALID',
      `cannot read the ledger: line ${line}: it has more than ${MAX_LEDGER_LINE} bytes`,
    )
  try {
    let number = 0
    for await (const line of readLines(file.createReadStream({ autoClose: false }), {
      maxBytes: MAX_LEDGER_LINE,
      tooLong,
    })) {
      yield parseLedgerLine(line, ++number)
    }
  } finally {
    await file.close()
  }
}
