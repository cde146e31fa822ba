import { join } from 'node:path'
import { tarOf } from '#testkit'
import { readTriples, type Triple } from '../../test/gate/triple.ts'
import { buildCatalogueImage, catalogueImages } from './catalogue.ts'
import { writeTarLayout } from './tar-layout.ts'

/** The package database of an image: packages that were in a release together or not, each once. */
interface LabelledImage {
  readonly title: string
  readonly release: string
  readonly packages: readonly Triple[]
}

/** Images of the catalogue whose packages the quality gate's advisories speak of most. */
const IMAGES = ['base', 'java-21', 'nginx', 'node', 'python']
/** And one that has what only variants with a shell have. */
const WITH_SHELL = 'base dev'

const MAJOR_VERSIONS: Readonly<Record<string, string>> = { bullseye: '11', bookworm: '12', trixie: '13' }

/** Writes what scanners are compared on, one after another, below `folder`: images of the catalogue, then those of labels. */
export async function* scannedImages(folder: string): AsyncGenerator<{ title: string; layout: string }> {
  const ours = (await catalogueImages(IMAGES)).filter(({ name, variant, platform }) => {
    return platform === 'linux/amd64' && (variant === 'runtime' || `${name} ${variant}` === WITH_SHELL)
  })
  for (const image of ours) yield await buildCatalogueImage(image, folder)
  for (const image of labelledImages()) {
    const layout = join(folder, image.title.replaceAll(' ', '-'))
    await writeLabelledImage(image, layout)
    yield { title: image.title, layout }
  }
}

/**
 * The packages of the quality gate's labels, at all versions that were in a release: the first image of a release has the
 * first version of each package, the second what there are second versions of, and so on.
 */
function labelledImages(): readonly LabelledImage[] {
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
function writeLabelledImage({ release, packages }: LabelledImage, folder: string): Promise<void> {
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
