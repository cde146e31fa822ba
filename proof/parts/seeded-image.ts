import { createHash } from 'node:crypto'
import type { ExecutionParameters } from '#oci'
import { type TarItem, tarOf } from '#testkit'
import { writeTarLayout } from './tar-layout.ts'

/** What is put into a sound image to break a rule. */
export interface Seed {
  /** Further packages, `name version`, with their files and a licence. */
  readonly packages?: Readonly<Record<string, readonly TarItem[]>>
  readonly licences?: Readonly<Record<string, string>>
  /** Files of no package. */
  readonly files?: readonly TarItem[]
  /** Layers on top. */
  readonly above?: readonly (readonly TarItem[])[]
  readonly config?: ExecutionParameters
}

const DAY = 86_400_000
const daysAgo = (days: number) => new Date(Date.now() - days * DAY)
const fixed = (version: string) => ({
  releases: { trixie: { status: 'resolved', fixed_version: version, urgency: 'high' } },
})
const open = { releases: { trixie: { status: 'open', urgency: 'high' } } }

/** Advisories that the seeds' packages are held against, by file: overdue, young, exploited, without a fix. */
export function seedAdvisories(): Readonly<Record<string, string>> {
  const day = (days: number) => {
    const options = { day: '2-digit', month: 'short', year: 'numeric', timeZone: 'UTC' } as const
    return daysAgo(days).toLocaleDateString('en-GB', options)
  }
  const announced = (id: string, cve: string, days: number, [source, version]: readonly [string, string]) =>
    `[${day(days)}] ${id} ${source} - security update\n\t{${cve}}\n\t[trixie] - ${source} ${version}\n`
  const exploited = ['CVE-2026-2000', 'CVE-2026-2001', 'CVE-2026-4000', 'CVE-2026-4001']
  return {
    'tracker.json': JSON.stringify({
      openssl: { 'CVE-2026-1000': fixed('3.5.7-1') },
      curl: { 'CVE-2026-1001': fixed('9-1') },
      nginx: { 'CVE-2026-1002': fixed('2-1') },
      zlib: { 'CVE-2026-2000': fixed('2') },
      xz: { 'CVE-2026-2001': fixed('6') },
      expat: { 'CVE-2026-4000': open },
      glib: { 'CVE-2026-4001': open },
    }),
    'DSA-list': [
      announced('DSA-9003-1', 'CVE-2026-2001', 1, ['xz', '6']),
      announced('DSA-9002-1', 'CVE-2026-2000', 1, ['zlib', '2']),
      announced('DSA-9004-1', 'CVE-2026-1002', 2, ['nginx', '2-1']),
      announced('DSA-9001-1', 'CVE-2026-1000', 120, ['openssl', '3.5.7-1']),
    ].join(''),
    'DLA-list': announced('DLA-9001-1', 'CVE-2026-9000', 1, ['nobody', '1']).replace('trixie', 'bullseye'),
    'kev.json': JSON.stringify({
      ...{ title: 'catalogue', catalogVersion: '1', dateReleased: daysAgo(1).toISOString() },
      vulnerabilities: exploited.map((cveID) => ({
        ...{ cveID, vulnerabilityName: 'name', dateAdded: daysAgo(9).toISOString().slice(0, 10) },
        knownRansomwareCampaignUse: 'Unknown',
      })),
    }),
  }
}

/** A file that everybody may run. */
export function program(path: string, mode = 0o755): TarItem {
  return { path, content: 'x', mode }
}

/** Writes an image that passes every gate, but for what is seeded into it. */
export async function writeSeeded(
  folder: string,
  { packages = {}, licences = {}, files = [], above = [], config = {} }: Seed,
): Promise<void> {
  const base: TarItem[] = [
    { path: 'etc/os-release', content: 'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n' },
    { path: 'etc/passwd', content: 'root:x:0:0::/root:/x\nnonroot:x:65532:65532::/:/x\ntoor:x:0:0::/:/x\n' },
  ]
  const all = Object.entries({ 'base-files 13': base, 'app 1': [program('usr/bin/app')], ...packages })
  const paragraphs: string[] = []
  const items: TarItem[] = []
  for (const [key, own] of all) {
    const [name = '', version = ''] = key.split(' ')
    paragraphs.push(`Package: ${name}\nStatus: install ok installed\nVersion: ${version}\nArchitecture: amd64\n`)
    const licence = licences[name] ?? 'Expat'
    const written = licence === '' ? own : [...own, copyright(name, licence)]
    const sums = written.map(
      ({ path, content = '' }) => `${createHash('md5').update(content).digest('hex')}  ${path}\n`,
    )
    const info = `var/lib/dpkg/info/${name}`
    items.push(...written, { path: `${info}.list`, content: written.map(({ path }) => `/${path}\n`).join('') })
    items.push({ path: `${info}.md5sums`, content: sums.join('') })
  }
  const layer = tarOf({ path: 'var/lib/dpkg/status', content: paragraphs.join('\n') }, ...items, ...files)
  const sound = { User: '65532:65532', Entrypoint: ['/usr/bin/app'], ExposedPorts: ['8080/tcp'] }
  await writeTarLayout(folder, [layer, ...above.map((one) => tarOf(...one))], { ...sound, ...config })
}

function copyright(name: string, licence: string): TarItem {
  const head =
    'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nCopyright: 2026 Nobody\n'
  const terms = licence === 'Expat' ? '' : ' All that is said here is said of these terms and no others.\n'
  return { path: `usr/share/doc/${name}/copyright`, content: `${head}License: ${licence}\n${terms}` }
}
