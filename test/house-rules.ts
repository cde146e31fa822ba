import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A file of the tree with its text. `path` is below the checkout. */
export interface TreeFile {
  readonly path: string
  readonly text: string
}

/** Lines of a README that still fit one screen beside its example. */
const README_LINES = 60

/** Joins the pieces of words that this file must not contain whole, because it is checked as well. */
const joined = (...pieces: readonly string[]) => pieces.join('')

const hosts = [
  joined('deb', '.debian.org'),
  joined('security', '.debian.org'),
  joined('npm', 'js.org'),
  joined('proxy', '.golang.org'),
  joined('python', 'hosted.org'),
  joined('crates', '.io'),
]
const hostPattern = new RegExp(`\\b(?:${hosts.join('|').replaceAll('.', '\\.')})\\b`, 'i')
const machinePattern = /\/(?:work|farm)\/(?:main|in|steering|shared|\.library|\.mirror)\b/
const postponedPattern = /\b(?:test|it|describe)\.(?:skip|todo|only)\(|\bskip: *true/
const castPattern = /\bas unknown as\b|@ts-(?:ignore|nocheck|expect-error)/

/** Reads every text file that git tracks or would track at `root`. */
export function readTree(root: string): readonly TreeFile[] {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
  return [...new Set(list.split('\0'))]
    .filter((path) => path !== '' && existsSync(join(root, path)) && statSync(join(root, path)).isFile())
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
    .filter(({ text }) => !text.includes('\0'))
}

/** Everything in the tree that breaks a house rule, a line each: `path:line: what`. */
export function houseFaults(files: readonly TreeFile[]): readonly string[] {
  return [
    ...files.flatMap(lineFaults),
    ...mirrorFaults(files),
    ...linkFaults(files),
    ...decisionFaults(files),
    ...moduleFaults(files),
  ]
}

function lineFaults({ path, text }: TreeFile): string[] {
  const isCode = path.endsWith('.ts')
  return text.split('\n').flatMap((line, index) => {
    const place = `${path}:${index + 1}`
    const faults: string[] = []
    if (!path.endsWith('package-lock.json') && hostPattern.test(line))
      faults.push(`${place}: names a registry's or mirror's host`)
    if (machinePattern.test(line)) faults.push(`${place}: names a path of one machine`)
    if (isCode && postponedPattern.test(line)) faults.push(`${place}: a test is skipped, left to do or exclusive`)
    if (isCode && castPattern.test(line)) faults.push(`${place}: a cast or comment that switches types off`)
    return faults
  })
}

/** Which mirror serves an archive is a setting of the place of building: the built-in ones stand in `archives/` alone. */
function mirrorFaults(files: readonly TreeFile[]): string[] {
  const isArchive = ({ path }: TreeFile) => /^archives\/[^/]+\.yaml$/.test(path)
  const urls = files.filter(isArchive).flatMap(({ text }) => [...text.matchAll(/built-in: \[([^\]]*)\]/g)])
  const names = new Set(
    urls.flatMap(([, list = '']) => [...list.matchAll(/https?:\/\/([^/"'\s]+)/g)].map(([, host = '']) => host)),
  )
  return files
    .filter(({ path }) => !path.startsWith('archives/'))
    .flatMap(({ path, text }) =>
      [...names].filter((name) => text.includes(name)).map((name) => `${path}: names the mirror ${name}`),
    )
}

/** Relative links of Markdown files lead to files of the tree. */
function linkFaults(files: readonly TreeFile[]): string[] {
  const paths = new Set(files.map(({ path }) => path))
  return files
    .filter(({ path }) => path.endsWith('.md'))
    .flatMap(({ path, text }) => {
      const targets = [...text.matchAll(/\]\((?!https?:|#)([^)\s#]+)/g)].map(([, target = '']) => target)
      const dead = targets.filter((target) => !paths.has(join(dirname(path), target)))
      return dead.map((target) => `${path}: its link ${target} leads nowhere`)
    })
}

function decisionFaults(files: readonly TreeFile[]): string[] {
  const map = files.find(({ path }) => path === 'docs/architecture.md')?.text ?? ''
  const records = files.filter(({ path }) => path.startsWith('docs/decisions/'))
  return records.flatMap(({ path, text }) => [
    ...(map.includes(`(${path.slice('docs/'.length)})`) ? [] : [`${path}: docs/architecture.md does not link it`]),
    ...(/^docs\/decisions\/\d{4}-[a-z0-9-]+\.md$/.test(path) ? [] : [`${path}: want NNNN-title.md`]),
    ...(lineCount(text) <= README_LINES ? [] : [`${path}: is longer than a screen (${README_LINES} lines)`]),
  ])
}

function moduleFaults(files: readonly TreeFile[]): string[] {
  const modules = new Set(files.flatMap(({ path }) => /^src\/([^/]+)\//.exec(path)?.[1] ?? []))
  return [...modules].flatMap((module) => {
    const path = `src/${module}/README.md`
    const readme = files.find((file) => file.path === path)
    if (readme === undefined) return [`${path}: is missing`]
    return [
      ...(lineCount(readme.text) <= README_LINES ? [] : [`${path}: is longer than a screen (${README_LINES} lines)`]),
      ...(/^```(?:ts|sh)$/m.test(readme.text) ? [] : [`${path}: has no example that a test runs`]),
    ]
  })
}

function lineCount(text: string): number {
  return text.trimEnd().split('\n').length
}
