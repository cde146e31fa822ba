import type { ImageFiles } from '#oci'
import type { BaseChanges } from './base-changes.ts'
import type { UpperLayers } from './image-tree.ts'
import { REBUILD, type Refusal } from './refusal.ts'

/** A file that a tool makes of all files in some folders, and writes where packages do not. */
interface DerivedFile {
  readonly path: RegExp
  readonly tool: string
  /** What it is made of; other files in these folders do not matter. */
  readonly sources: RegExp
  /** Whether it names its sources only, so that their content does not matter. */
  readonly byName?: true
}

const DERIVED: readonly DerivedFile[] = [
  {
    path: /^\/etc\/ld\.so\.cache$/,
    tool: 'ldconfig',
    sources: /^\/(?:usr\/)?(?:local\/)?lib(?:\/[^/]+-linux-gnu[^/]*)?\/[^/]+\.so(?:\.[^/]*)?$/,
    byName: true,
  },
  {
    path: /^\/etc\/ssl\/certs\/(?:ca-certificates\.crt|java\/cacerts)$/,
    tool: 'update-ca-certificates',
    sources: /^\/(?:usr\/share|usr\/local\/share)\/ca-certificates\/|^\/etc\/ca-certificates\.conf$/,
  },
  {
    path: /^\/usr\/share\/mime\/mime\.cache$/,
    tool: 'update-mime-database',
    sources: /^\/usr\/share\/mime\/packages\//,
  },
  {
    path: /^\/usr\/share\/glib-2\.0\/schemas\/gschemas\.compiled$/,
    tool: 'glib-compile-schemas',
    sources: /^\/usr\/share\/glib-2\.0\/schemas\/.*\.(?:xml|override)$/,
  },
  {
    path: /^\/var\/cache\/fontconfig\//,
    tool: 'fc-cache',
    sources: /^\/(?:usr\/(?:local\/)?share\/fonts|etc\/fonts)\//,
  },
  { path: /^\/usr\/lib\/locale\/locale-archive$/, tool: 'locale-gen', sources: /^\/usr\/share\/i18n\// },
  { path: /^\/usr\/share\/info\/dir$/, tool: 'install-info', sources: /^\/usr\/share\/info\/[^/]+\.gz$/ },
]

/** Files of an application that its build made of the base's, where those are others in the new base: building anew gives others. */
export function derivedRefusals({ files }: UpperLayers, changes: BaseChanges): readonly Refusal[] {
  return [...files.entries()].flatMap(({ path, type }): readonly Refusal[] => {
    const derived = type === 'file' ? DERIVED.find((one) => one.path.test(path)) : undefined
    const source = derived && changes.paths.find((one) => isSource(one, derived, changes))
    if (derived === undefined || source === undefined) return []
    const application = `has it, as ${derived.tool} made it of files of the old base`
    return [
      {
        code: 'derived-file',
        subject: path,
        application,
        base: `${source}: ${changes.describe(source)}`,
        remedy: REBUILD,
      },
    ]
  })
}

function isSource(path: string, { sources, byName }: DerivedFile, { old, next }: BaseChanges): boolean {
  if (!sources.test(path)) return false
  return byName !== true || isThere(path, old) !== isThere(path, next)
}

function isThere(path: string, files: ImageFiles): boolean {
  return files.get(path) !== undefined
}
