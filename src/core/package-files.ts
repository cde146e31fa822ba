/** Whether this runs from `src` or was built into `dist`; bundled, this module may stand in any file below it. */
const [, root = '', folder = ''] = /^(.*\/)(src|dist)\//.exec(import.meta.url) ?? []

/** Where a file of Casemate's package stands, given from the package's root: `archives`, `package.json`. */
export function packageFile(path: string): URL {
  return new URL(path, root)
}

/** Where a program of its own stands that a thread or a process is started with, given as `image/io/member-worker`. */
export function programFile(module: string): URL {
  return new URL(`${folder}/${module}.${folder === 'src' ? 'ts' : 'js'}`, root)
}

/** Where a folder stands that the build takes over from the sources as it is, given as `store/migrations`. */
export function builtFolder(path: string): URL {
  return new URL(`${folder}/${path}/`, root)
}
