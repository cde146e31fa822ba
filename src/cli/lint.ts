import { readFile } from 'node:fs/promises'
import { type AllowList, parseAllowList, parseBaseName } from '#bases'
import { digestOf } from '#core'
import {
  applyFixes,
  formatLintSarif,
  imagesOf,
  type LintContext,
  type LintFinding,
  lintDockerfile,
  parseDockerfile,
} from '#dockerfile'
import { parseReference, RegistryClient } from '#oci'
import { readSecretKinds, SecretSearch } from '#secrets'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { printOutput, writeWhole } from './print-output.ts'
import { readUpTo } from './read-up-to.ts'
import type { Terminal } from './terminal.ts'
import { packageVersion } from './version.ts'
import { visibleText } from './visible-text.ts'

/** The options of `casemate lint`, as the command line gives them. */
export interface LintOptions {
  readonly allow?: string
  /** `NAME=VALUE`. */
  readonly buildArg?: readonly string[]
  readonly fix?: boolean
  readonly format?: 'table' | 'json' | 'sarif'
  readonly json?: boolean
  readonly output?: string
}

interface LintedFile {
  readonly file: string
  readonly text: string
  readonly findings: readonly LintFinding[]
  /** Lines that `--fix` has changed. */
  readonly changes: readonly string[]
}

/** Bytes of a Dockerfile, and of an allow-list. */
const LARGEST = 2 ** 21

/**
 * Holds Dockerfiles against the rules, and against an allow-list where one is given; with `--fix` writes what is certain, digests of tags
 * that registries tell among it. The status is "no" while an error is left. Rejects with `DOCKERFILE_INVALID`, `ALLOW_LIST_INVALID`
 * and `USAGE_INVALID`.
 */
export async function runLint(files: readonly string[], options: LintOptions, terminal: Terminal): Promise<ExitStatus> {
  const format = options.json === true ? 'json' : (options.format ?? 'table')
  const args = buildArguments(options.buildArg ?? [])
  const shared = {
    allow: await readAllowList(options.allow),
    secrets: new SecretSearch(readSecretKinds().kinds),
    today: new Date().toISOString().slice(0, 10),
  }
  const linted: LintedFile[] = []
  for (const file of files.length === 0 ? ['Dockerfile'] : files) {
    const text = (await readUpTo(file, LARGEST)).toString('utf8')
    const digests = options.fix === true ? await digestsOf(text, { file, args }, terminal) : new Map()
    const context = { ...shared, file, digests }
    const findings = lintDockerfile(text, context, args)
    const judged = { file, text, findings, changes: [] }
    linted.push(options.fix === true ? await fixed(judged, { context, args }) : judged)
  }
  await printOutput(formatted(linted, format, terminal), options.output, terminal)
  const left = linted
    .flatMap(({ findings }) => findings)
    .filter(({ severity, ignored }) => severity === 'error' && ignored === undefined)
  return left.length === 0 ? exitStatus.done : exitStatus.no
}

/** Reads an allow-list, where one is named. Rejects with `ALLOW_LIST_INVALID` and `USAGE_INVALID`. */
async function readAllowList(path: string | undefined): Promise<AllowList | undefined> {
  return path === undefined ? undefined : parseAllowList((await readUpTo(path, LARGEST)).toString('utf8'), path)
}

function buildArguments(given: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    given.map((one) => {
      const [, name, value] = /^(\w+)=(.*)$/s.exec(one) ?? []
      if (name === undefined || value === undefined) {
        throw new UsageError('USAGE_INVALID', `cannot use --build-arg ${one}: want NAME=VALUE`)
      }
      return [name, value]
    }),
  )
}

/** What registries say of the tags that have no digest yet; one that does not answer leaves its image as it is, and that is told. */
async function digestsOf(
  text: string,
  { file, args }: { readonly file: string; readonly args: ReadonlyMap<string, string> },
  terminal: Terminal,
): Promise<ReadonlyMap<string, string>> {
  const digests = new Map<string, string>()
  const names = imagesOf(parseDockerfile(text, file, args)).flatMap(({ name }) => (name === undefined ? [] : [name]))
  for (const name of new Set(names.filter((one) => !one.includes('@')))) {
    const base = parseBaseName(name)
    const reference = base === undefined ? undefined : parseReference(`docker://${base.repository}:${base.tag}`)
    if (base?.tag === undefined || reference?.transport !== 'docker') continue
    terminal.progress(`looking up ${name} …`)
    const repository = new RegistryClient(reference)
    try {
      const found = await repository.readManifest(base.tag)
      if (found !== undefined) digests.set(name, digestOf(found.bytes))
    } catch (error) {
      terminal.warn(
        visibleText(`the digest of ${name} is not known: ${error instanceof Error ? error.message : error}`),
      )
    } finally {
      await repository.close()
    }
  }
  terminal.progress('')
  return digests
}

/** Writes what is certain, and judges the file again. Nothing is written where nothing would change, or the file changed meanwhile. */
async function fixed(
  judged: LintedFile,
  { context, args }: { readonly context: LintContext; readonly args: ReadonlyMap<string, string> },
): Promise<LintedFile> {
  const { file, text, findings } = judged
  const better = applyFixes(text, findings)
  if (better === text) return judged
  if ((await readFile(file, 'utf8')) !== text) {
    throw new UsageError('USAGE_INVALID', `cannot fix ${file}: somebody has changed it meanwhile`)
  }
  await writeWhole(better, file)
  return {
    ...{ file, text: better, findings: lintDockerfile(better, context, args) },
    changes: changedLines(file, text, better),
  }
}

/** Lines that differ. A fix stays within its lines, or adds one at the end. */
function changedLines(file: string, before: string, after: string): readonly string[] {
  const [old, now] = [before.split('\n'), after.split('\n')]
  return now.flatMap((line, at) => {
    const was = old[at]
    if (was === line) return []
    return [...(was === undefined ? [] : [`${file}:${at + 1}: - ${was}`]), `${file}:${at + 1}: + ${line}`]
  })
}

function formatted(linted: readonly LintedFile[], format: 'table' | 'json' | 'sarif', terminal: Terminal): string {
  if (format === 'sarif') return formatLintSarif({ name: 'casemate', version: packageVersion() }, linted)
  if (format === 'json') {
    const files = linted.map(({ file, findings, changes }) => ({
      file,
      changes,
      findings: findings.map(({ fix, ...rest }) => ({ ...rest, fixable: fix !== undefined })),
    }))
    return `${JSON.stringify({ schema: 'casemate.lint/v1', files }, null, 2)}\n`
  }
  return `${linted.flatMap((one) => fileLines(one, terminal)).join('\n')}\n`
}

function fileLines({ file, findings, changes }: LintedFile, terminal: Terminal): readonly string[] {
  const shown = findings.filter(({ ignored }) => ignored === undefined)
  const lines = shown.flatMap(({ line, rule, severity, message, remedy, fix }) => {
    const word = terminal.style(severity === 'error' ? 'red' : 'yellow', severity.padEnd(7))
    const does = fix === undefined ? `do: ${remedy}` : `do: ${remedy} (--fix writes it)`
    return [
      `${visibleText(`${file}:${line}`)}  ${word}  ${rule}`,
      `         ${visibleText(message)}`,
      `         ${does}`,
    ]
  })
  const errors = shown.filter(({ severity }) => severity === 'error').length
  const ignored = findings.length - shown.length
  const counts = [
    `${errors} errors`,
    `${shown.length - errors} warnings`,
    ...(ignored > 0 ? [`${ignored} ignored`] : []),
  ]
  const fixes = changes.map((line) => terminal.style(line.includes(': + ') ? 'green' : 'red', visibleText(line)))
  return [...fixes, ...lines, `${visibleText(file)}: ${counts.join(', ')}`]
}
