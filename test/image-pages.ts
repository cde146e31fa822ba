import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type About, catalogueNames, type EffectiveDefinition, openDefinition, readAbout } from '#image'
import type { FinishedPlatform, FinishedScript } from '../src/cli/catalog-build.ts'
import type { GeneratedDoc } from './generated-docs.ts'

/** What `docs/images/facts.json` holds: how large every image was and what was in it on the day that it says. */
export interface ImageFacts {
  /** `YYYY-MM-DD`. */
  readonly date: string
  readonly images: readonly ImageFact[]
  /** Every maintainer script of every package in any image, by package, then script. */
  readonly scripts: readonly FinishedScript[]
}

/** One variant. */
export interface ImageFact {
  readonly name: string
  readonly variant: string
  readonly platforms: readonly (Pick<FinishedPlatform, 'platform' | 'compressed' | 'unpacked'> & {
    /** How many. */
    readonly packages: number
  })[]
  /** `name version` of those of the first platform; of runtime variants only. */
  readonly packages?: readonly string[]
}

interface PageInput {
  readonly name: string
  readonly about: About
  readonly variants: ReadonlyMap<string, EffectiveDefinition>
  readonly facts: ImageFacts
}

/** Makes the page of every catalogue image and their list, in path order. */
export async function imagePages(root: string, notice: string): Promise<readonly GeneratedDoc[]> {
  const facts = readFacts(root)
  const inputs: PageInput[] = []
  for (const name of await catalogueNames()) {
    const { definition } = await openDefinition(name, { workingFolder: root })
    inputs.push({ name, about: await readAbout(name), variants: definition.variants, facts })
  }
  const pages = inputs.map((input) => ({ path: `docs/images/${input.name}.md`, text: imagePage(input, notice) }))
  return [{ path: 'docs/images/README.md', text: listPage(inputs, notice) }, ...pages]
}

/** Reads what was measured of the images. */
export function readFacts(root: string): ImageFacts {
  return JSON.parse(readFileSync(join(root, 'docs/images/facts.json'), 'utf8'))
}

/** Writes the page of one image. */
export function imagePage({ name, about, variants, facts }: PageInput, notice: string): string {
  const runtime = variants.get('runtime')
  if (runtime === undefined) throw new Error(`cannot write the page of ${name}: it has no runtime`)
  const sections = [
    `${notice}\n\n# ${runtime.title}\n\n${runtime.description}.`,
    `## Run it\n\n${fenced('sh', `casemate build ${name}\n${about.run.trimEnd()}`, `oci:out:${name}`)}`,
    ...(about.multiStage === undefined
      ? []
      : [
          `## Build on it\n\n${fenced('dockerfile', about.multiStage.trimEnd().replaceAll('localhost/', REGISTRY), `${REGISTRY}${name}`)}`,
        ]),
    contractSection(runtime, about),
    variantsSection(name, variants, facts),
    packagesSection(name, runtime, facts),
    testsSection(variants),
    ...(about.differences.length === 0 ? [] : [differencesSection(about)]),
    ...(about.exceptions.length === 0 ? [] : [exceptionsSection(about)]),
  ]
  return `${sections.join('\n\n')}\n`
}

/** Where `casemate catalog build -o docker://…` may have put the images. */
const REGISTRY = 'registry.example.org/hardened/'

function contractSection({ contract, entrypoint, cmd, environment }: EffectiveDefinition, about: About): string {
  const code = (text: string) => (text === '' ? 'none' : `\`${text}\``)
  const rows = [
    ['user', code(contract.runAs)],
    ['starts', code([...entrypoint, ...cmd].join(' '))],
    ['working directory', code(contract.workDir)],
    ['ports', contract.ports.map(code).join(', ') || 'none'],
    ['writable paths', contract.writable.map(code).join(', ') || 'none'],
    ['volumes', contract.volumes.map(code).join(', ') || 'none'],
    ['stop signal', code(contract.stopSignal)],
    [
      'environment',
      Object.entries(environment)
        .map(([key, value]) => code(`${key}=${value}`))
        .join('<br>'),
    ],
    ...(about.health === undefined ? [] : [['health', code(about.health)]]),
  ]
  const note = about.healthNote === undefined ? '' : `\n\n${about.healthNote}`
  return `## Contract\n\n${table(['what', 'value'], rows)}${note}`
}

function variantsSection(name: string, variants: PageInput['variants'], facts: ImageFacts): string {
  const rows = [...variants.values()].map(({ variant, description }) => {
    const platforms = facts.images.find((one) => one.name === name && one.variant === variant)?.platforms ?? []
    const sizes = platforms.map((one) => `${megabytes(one.compressed)} (${one.platform.replace('linux/', '')})`)
    const unpacked = platforms[0] === undefined ? '' : megabytes(platforms[0].unpacked)
    return [`\`${variant}\``, description, `${platforms[0]?.packages ?? ''}`, sizes.join('<br>'), unpacked]
  })
  const header = ['variant', 'what it is', 'packages', 'compressed', 'unpacked']
  return `## Variants and sizes\n\nAs built on ${facts.date}.\n\n${table(header, rows)}`
}

function packagesSection(name: string, runtime: EffectiveDefinition, facts: ImageFacts): string {
  const own = facts.images.find((one) => one.name === name && one.variant === 'runtime')?.packages ?? []
  const asked = new Set(runtime.packages.map((request) => request.name))
  const rows = own.map((line) => {
    const [package_ = '', version = ''] = line.split(' ')
    return [`\`${package_}\``, version, asked.has(package_) ? 'asked for' : 'needed']
  })
  const without = Object.entries(runtime.without).map(([key, reason]) => `- \`${key}\`: ${reason}`)
  const left = without.length === 0 ? '' : `\n\nLeft out, although something depends on it:\n\n${without.join('\n')}`
  return `## Packages\n\n${table(['package', 'version', 'why'], rows)}${left}`
}

function testsSection(variants: PageInput['variants']): string {
  const names = new Map<string, string[]>()
  for (const { variant, tests } of variants.values()) {
    for (const test of tests) {
      const only = test['variants']
      if (Array.isArray(only) && !only.includes(variant)) continue
      names.set(test.name, [...(names.get(test.name) ?? []), variant])
    }
  }
  const lines = [...names].map(([test, of]) => `- ${test} (${of.join(', ')})`)
  return `## Tests\n\n\`casemate test\` runs them as the declared user on a read-only root:\n\n${lines.join('\n')}`
}

function differencesSection({ official, differences }: About): string {
  const lines = differences.map(({ what, why }) => `- ${what}: ${why}`)
  const from = official === undefined ? 'what users may expect' : `\`${official}\``
  return `## Differences from ${from}\n\n${lines.join('\n')}`
}

function exceptionsSection({ exceptions }: About): string {
  const lines = [...new Set(exceptions.map(({ rule, why }) => `- ${rule}: ${why}`))]
  return `## Exceptions from the catalogue's rules\n\n${lines.join('\n')}`
}

function listPage(inputs: readonly PageInput[], notice: string): string {
  const rows = inputs.map(({ name, about, variants, facts }) => {
    const runtime = variants.get('runtime')
    const size = facts.images.find((one) => one.name === name && one.variant === 'runtime')?.platforms[0]?.compressed
    const names = [...variants.keys()].join(' ')
    return [
      `[${name}](${name}.md)`,
      about.category,
      runtime?.description ?? '',
      names,
      size === undefined ? '' : megabytes(size),
    ]
  })
  const header = ['image', 'category', 'what it is', 'variants', 'compressed']
  return `${notice}\n\n# Images\n\n${inputs.length} images; sizes are those of the runtime variant for amd64.\n\n${table(header, rows)}\n`
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')
}

function fenced(language: string, text: string, image: string): string {
  return `\`\`\`${language}\n${text.replaceAll('$IMAGE', image)}\n\`\`\``
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
