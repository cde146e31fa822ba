import { tarOf } from '#testkit'
import { readTriples, type Triple } from '../../test/gate/triple.ts'
import { writeTarLayout } from './tar-layout.ts'

/** The package database of an image: packages that were in a release together or not, each once. */
export interface LabelledImage {
  readonly title: string
  readonly release: string
  readonly packages: readonly Triple[]
}

const MAJOR_VERSIONS: Readonly<Record<string, string>> = { bullseye: '11', bookworm: '12', trixie: '13' }

/**
 * The packages of the quality gate's labels, at all versions that were in a release: the first image of a release has the
 * first version of each package, the second what there are second versions of, and so on.
 */
export function labelledImages(): readonly LabelledImage[] {
  const images = new Map<string, { release: string; packages: Triple[] }>()
  const versions = new Map<string, Set<string>>()
  for (const triple of readTriples().filter(({ release }) => release in MAJOR_VERSIONS)) {
    const { release, binary, binaryVersion } = triple
    const seen = versions.get(`${release} ${binary}`) ?? new Set()
    versions.set(`${release} ${binary}`, seen)
    if (seen.has(binaryVersion)) continue
    seen.add(binaryVersion)
    const title = `${release} labels ${seen.size}`
    const image = images.get(title) ?? { release, packages: [] }
    images.set(title, image)
    image.packages.push(triple)
  }
  return [...images].map(([title, image]) => ({ title, ...image }))
}

/** Writes an image that has nothing but its package database and the name of its release. */
export function writeLabelledImage({ release, packages }: LabelledImage, folder: string): Promise<void> {
  const major = MAJOR_VERSIONS[release] ?? ''
  const stanzas = packages.map(
    ({ binary, binaryVersion, source, version }) =>
      `Package: ${binary}\nStatus: install ok installed\nSource: ${source} (${version})\nVersion: ${binaryVersion}\nArchitecture: amd64\n`,
  )
  const lists = packages.map(({ binary }) => ({ path: `var/lib/dpkg/info/${binary}.list`, content: '/.\n' }))
  const osRelease = `ID=debian\nVERSION_ID="${major}"\nVERSION_CODENAME=${release}\nPRETTY_NAME="Debian ${major}"\n`
  const tar = tarOf(
    { path: 'etc/os-release', content: osRelease },
    { path: 'etc/debian_version', content: `${major}.0\n` },
    { path: 'var/lib/dpkg/status', content: stanzas.join('\n') },
    ...lists,
  )
  return writeTarLayout(folder, [tar])
}
