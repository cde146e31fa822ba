import type { EffectiveDefinition } from '#image'
import { type CatalogImage, readCatalog } from './catalog-images.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import type { Terminal } from './terminal.ts'

/** Prints what a catalogue image promises. Throws `USAGE_INVALID` for a name that the catalogue does not have. */
export async function runCatalogShow(
  name: string,
  { json }: { readonly json?: boolean },
  terminal: Terminal,
): Promise<ExitStatus> {
  const [image] = await readCatalog([name])
  const runtime = image?.opened.definition.variants.get('runtime')
  if (image === undefined || runtime === undefined) return exitStatus.no
  if (json === true) terminal.print(JSON.stringify(shown(image, runtime), null, 2))
  else printImage(image, runtime, terminal)
  return exitStatus.done
}

function printImage({ name, opened, about }: CatalogImage, runtime: EffectiveDefinition, terminal: Terminal): void {
  const bold = (text: string) => terminal.style('bold', text)
  terminal.print(`${bold(name)}  ${terminal.style('dim', runtime.description)}`)
  terminal.print()
  const { contract } = runtime
  const rows: (readonly [string, string])[] = [
    ['user', contract.runAs],
    ['starts', [...runtime.entrypoint, ...runtime.cmd].join(' ') || 'nothing'],
    ['work dir', contract.workDir],
    ['ports', contract.ports.join(' ') || 'none'],
    ['writable', contract.writable.join(' ')],
    ['volumes', contract.volumes.join(' ') || 'none'],
    ['signal', contract.stopSignal],
    ...Object.entries(runtime.environment).map(([key, value]) => ['sets', `${key}=${value}`] as const),
    ['packages', runtime.packages.map((request) => request.name).join(' ')],
    ...Object.entries(runtime.without).map(([key, reason]) => ['without', `${key} (${reason})`] as const),
    ['variants', [...opened.definition.variants.keys()].join(' ')],
    ['platforms', opened.definition.platforms.join(' ')],
    ['tags', runtime.tags.join(' ')],
    ['tests', runtime.tests.map((test) => test.name).join(', ')],
    ...(about.health === undefined ? [] : [['health', about.health] as const]),
    ...(about.official === undefined ? [] : [['official', about.official] as const]),
    ...about.differences.map(({ what, why }) => ['differs', `${what} (${why})`] as const),
  ]
  const named = rows.map(([key, value], number) => [rows[number - 1]?.[0] === key ? '' : key, value])
  for (const line of named.flatMap(([key = '', value = '']) => wrapped(key, value, terminal.width)))
    terminal.print(line)
  terminal.print()
  terminal.print(bold('run'))
  for (const line of about.run.trimEnd().split('\n'))
    terminal.print(`  ${line.replaceAll('$IMAGE', `oci:out:${name}`)}`)
}

const KEY_WIDTH = 11

/** A key and its value, over as many lines as the width asks for. */
function wrapped(key: string, value: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of value.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && KEY_WIDTH + longer.length > width) {
      lines.push(line)
      line = word
    } else {
      line = longer
    }
  }
  return [...lines, line].map((text, number) => `${(number === 0 ? key : '').padEnd(KEY_WIDTH)}${text}`.trimEnd())
}

function shown({ name, opened, about }: CatalogImage, runtime: EffectiveDefinition) {
  const { entrypoint, cmd, contract, environment, packages, without, tags, lifecycle, tests } = runtime
  return {
    name,
    title: runtime.title,
    description: runtime.description,
    ...about,
    entrypoint,
    cmd,
    contract,
    environment,
    packages: packages.map((request) => request.name),
    without,
    variants: [...opened.definition.variants.keys()],
    platforms: opened.definition.platforms,
    tags,
    lifecycle,
    tests: tests.map((test) => test.name),
  }
}
