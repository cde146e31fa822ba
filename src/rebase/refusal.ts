/** Why an image is not rebased. Each code is one rule; `docs/rebase.md` says them in a table. */
export const REFUSALS = {
  'platform-differs': 'one of the three images is not for the same operating system, architecture and variant',
  'not-on-base': "the image's layers do not begin with those of the base",
  squashed: "the base's layers are not in the image one by one: somebody has squashed it",
  'base-older': 'the new base is older than the old one, or has an older package',
  'base-unsigned': 'nobody who is trusted has signed the new base',
  'too-many-layers': 'the result would have more layers than runtimes mount',
  'path-both-sides': 'the application has a path that is another one in the new base',
  'directory-replaced':
    'the application has something else in place of a directory whose content is another one in the new base',
  'whiteout-changed': 'the application takes away what is another one in the new base',
  'opaque-changed': 'the application hides a directory whose content is another one in the new base',
  'parent-changed': "a directory that the application's layers carry has another mode or owner in the new base",
  'parent-type': 'what is a directory above a path of the application is something else, or nothing, in the new base',
  'sibling-new':
    'the application takes entries out of a directory, or changes their mode or owner, and the new base has new ones there',
  'hard-link-changed': 'the application has another name for a file of the base that is another one in the new base',
  'derived-file':
    "the application has a file that a tool made of the base's files, and those are others in the new base",
  'setting-both-sides': 'the application and the new base change the same setting',
  'package-both-sides': 'the application and the new base change the same package',
  'dependency-unmet': 'a package would lack what it depends on, or stand beside what it breaks',
  'interpreter-changed': "the new base lacks the old one's version of an interpreter",
  'interpreter-unknown':
    'an interpreter without a package is another one in the new base, and nothing tells its version',
  'loader-missing': 'the loader of a program is not there',
  'library-missing': 'a library that a program needs is not there',
  'symbol-version-missing': 'a library lacks a version of symbols that a program needs',
  'program-unreadable': 'what a program needs cannot be read',
  'script-interpreter-missing': 'the program that a script is for is not there',
  'link-broken': 'a symbolic link leads nowhere',
  'program-missing': 'what the image starts is not there',
  'user-changed': 'the user that the image runs as has other numbers, or no account',
} as const

/** One of the rules of `REFUSALS`. */
export type RefusalCode = keyof typeof REFUSALS

/** One reason why an image is not rebased: both sides, and the way out. */
export interface Refusal {
  readonly code: RefusalCode
  /** What it is about: a path, a package, a setting. */
  readonly subject: string
  /** What the application's side is. */
  readonly application: string
  /** What the bases' side is. */
  readonly base: string
  /** What can be done instead. */
  readonly remedy: string
}

/** The way out that is always there. */
export const REBUILD = 'build the application anew on the new base'
