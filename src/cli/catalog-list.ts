import { CATEGORIES } from '#image'
import { type CatalogImage, readCatalog } from './catalog-images.ts'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { formatTable, type Terminal } from './terminal.ts'

/** The options of `casemate catalog list`, as the command line gives them. */
export interface CatalogListOptions {
  readonly category?: string
  readonly json?: boolean
}

/** Prints the images of the catalogue, by category. Throws `USAGE_INVALID` for a category that is none. */
export async function runCatalogList({ category, json }: CatalogListOptions, terminal: Terminal): Promise<ExitStatus> {
  const categories: readonly string[] = CATEGORIES
  if (category !== undefined && !categories.includes(category)) {
    const known = CATEGORIES.join(', ')
    throw new UsageError('USAGE_INVALID', `cannot list category ${category}: the catalogue has ${known}`)
  }
  const images = (await readCatalog()).filter((one) => category === undefined || one.about.category === category)
  if (json === true) {
    terminal.print(JSON.stringify(images.map(listed), null, 2))
    return exitStatus.done
  }
  const rows = images.map(({ name, opened }) => {
    const { variants } = opened.definition
    return [`  ${name}`, [...variants.keys()].join(' '), variants.get('runtime')?.description ?? '']
  })
  const lines = formatTable(rows, { width: terminal.width })
  for (const [number, line] of lines.entries()) {
    const own = images[number]?.about.category
    if (own !== images[number - 1]?.about.category) {
      if (number > 0) terminal.print()
      terminal.print(terminal.style('bold', own ?? ''))
    }
    terminal.print(line)
  }
  return exitStatus.done
}

function listed({ name, opened, about }: CatalogImage) {
  const { variants, platforms } = opened.definition
  const runtime = variants.get('runtime')
  return {
    name,
    category: about.category,
    title: runtime?.title,
    description: runtime?.description,
    variants: [...variants.keys()],
    platforms,
    official: about.official,
  }
}
