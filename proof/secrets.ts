import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { readDefaultPolicies } from '#policy'
import { findSecretsIn, readSecretKinds, SecretSearch } from '#secrets'
import { tarOf } from '#testkit'
import { catalogueImages } from './parts/catalogue.ts'
import { runOrThrow, runProgram } from './parts/command.ts'
import { GITLEAKS_VERSION, peer } from './parts/peers.ts'
import { writeTarLayout } from './parts/tar-layout.ts'

const CLI = [process.execPath, '--conditions=source', join(import.meta.dirname, '../src/cli/main.ts')]
/** Of each kind: in files of an image, and as texts. */
const IN_IMAGE = 4
const AS_TEXTS = 100
/** What only its name tells is judged by its shape as well, so that words are no alarm: the least part that is found. */
const GENERIC = 'generic-api-key'
const LEAST_GENERIC = 0.97

/** What gitleaks' own rule accepts, and finds in a file of that name. */
interface Sample {
  readonly kind: string
  readonly path: string
  readonly text: string
}

/**
 * Samples of every kind that gitleaks knows are made by chance from its own rules, a new seed each day. Holds when everything that
 * gitleaks finds in a folder of them is found in an image with that folder, by kind and file; when of a hundred texts of each kind
 * none is missed; and when no image of the catalogue has an alarm: of all, unless arguments name some.
 */
export async function run(only: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'casemate-secrets-'))
  try {
    const seed = String(Math.floor(Date.now() / 86_400_000))
    const files = await inImage(await samples(IN_IMAGE, seed), folder)
    const texts = asTexts(await samples(AS_TEXTS, seed))
    const alarms = await onCatalogue(only, folder)
    const lines = [`${GITLEAKS_VERSION}, ${readSecretKinds().kinds.length} forms of secrets, seed ${seed}`, '']
    return {
      holds: files.holds && texts.holds && alarms.holds,
      lines: [...lines, ...files.lines, '', ...texts.lines, '', ...alarms.lines],
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function samples(count: number, seed: string): Promise<readonly Sample[]> {
  const text = await runOrThrow([await peer('gitleaksSamples'), String(count), seed])
  return text
    .trim()
    .split('\n')
    .map((line): Sample => JSON.parse(line))
}

/** gitleaks looks through a folder, we through an image with it. */
async function inImage(all: readonly Sample[], folder: string): Promise<{ holds: boolean; lines: string[] }> {
  const placed = all.map((sample, number) => ({
    ...sample,
    path: `srv/${sample.kind}/${number}/${basename(sample.path)}`,
  }))
  for (const { path, text } of placed) {
    await mkdir(join(folder, path, '..'), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  const report = join(folder, 'gitleaks.json')
  const scan = ['dir', join(folder, 'srv'), '--no-banner', '--report-format=json', `--report-path=${report}`]
  await runProgram([await peer('gitleaks'), ...scan])
  const theirs: { readonly RuleID: string; readonly File: string }[] = JSON.parse(await readFile(report, 'utf8'))
  const layout = join(folder, 'layout')
  await writeTarLayout(layout, [tarOf(...placed.map(({ path, text }) => ({ path, content: text })))])
  const policy = join(folder, 'found.yaml')
  const expression = 'secrets.found.map(s, s.kind + " " + s.path)'
  await writeFile(policy, JSON.stringify({ policies: [{ name: 'found', expression, reason: 'a', remedy: 'b' }] }))
  const start = performance.now()
  const gated = await runProgram([
    ...CLI,
    'gate',
    `oci:${layout}:image`,
    '--platform=linux/amd64',
    '--policy',
    policy,
    '--json',
  ])
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const ours = new Set<string>(JSON.parse(gated.stdout).gates[0].violations)
  const wanted = new Set(theirs.map(({ RuleID, File }) => `${RuleID} ${File.slice(folder.length)}`))
  const missed = [...wanted].filter((one) => !ours.has(one) && !one.startsWith(GENERIC))
  const kinds = new Set(theirs.map(({ RuleID }) => RuleID))
  return {
    holds: missed.length === 0 && kinds.size > 200,
    lines: [
      `in ${placed.length} files: gitleaks finds ${kinds.size} kinds, ${wanted.size} in all; missed in the image: ${missed.length} (${seconds} s)`,
      ...missed.map((one) => `  missed ${one}`),
    ],
  }
}

function asTexts(all: readonly Sample[]): { holds: boolean; lines: string[] } {
  const search = new SecretSearch(readSecretKinds().kinds)
  const counts = new Map<string, { made: number; found: number }>()
  for (const { kind, path, text } of all) {
    const count = counts.get(kind) ?? { made: 0, found: 0 }
    const isFound = findSecretsIn(text, `/${path}`, search).some((one) => one.kind === kind)
    counts.set(kind, { made: count.made + 1, found: count.found + (isFound ? 1 : 0) })
  }
  const isEnough = (kind: string, { made, found }: { made: number; found: number }) =>
    found >= (kind === GENERIC ? LEAST_GENERIC : 1) * made
  const rows = [...counts].sort(([left], [right]) => (left < right ? -1 : 1))
  return {
    holds: rows.length > 200 && rows.every(([kind, count]) => isEnough(kind, count)),
    lines: [
      `${'kind'.padEnd(48)} made  found`,
      ...rows.map(
        ([kind, { made, found }]) => `${kind.padEnd(48)} ${String(made).padStart(4)} ${String(found).padStart(6)}`,
      ),
    ],
  }
}

/** By the policy that ships, alone: nothing else is asked of the images here. */
async function onCatalogue(only: readonly string[], folder: string): Promise<{ holds: boolean; lines: string[] }> {
  const policy = join(folder, 'no-secret.yaml')
  const { text } = await readDefaultPolicies()
  const [, own = ''] = /^( {2}- name: no-secret\n.*?)^ {2}- name: /ms.exec(text) ?? []
  await writeFile(policy, `policies:\n${own}`)
  const images = (await catalogueImages(only)).filter(({ platform }) => platform === 'linux/amd64')
  const lines: string[] = []
  for (const { name, variant, platform } of images) {
    const layout = join(folder, `${name}-${variant}`)
    const reference = `oci:${layout}:image`
    await runOrThrow([...CLI, 'build', name, '--variant', variant, '--platform', platform, '-o', reference, '--json'])
    const { status, stdout } = await runProgram([
      ...CLI,
      'gate',
      reference,
      '--platform',
      platform,
      '--policy',
      policy,
      '--json',
    ])
    await rm(layout, { recursive: true, force: true })
    const violations: readonly string[] = status === 0 ? [] : (JSON.parse(stdout).gates[0].violations ?? ['undecided'])
    if (status !== 0) lines.push(`NOT ${name} ${variant}: ${violations.slice(0, 5).join('; ')}`)
    console.error(`${name} ${variant}: ${status === 0 ? 'no alarm' : violations[0]}`)
  }
  return {
    holds: lines.length === 0 && images.length > 0,
    lines: [...lines, `${images.length - lines.length} of ${images.length} images of the catalogue without an alarm`],
  }
}
