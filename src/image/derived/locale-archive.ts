import { ImageError } from '../errors.ts'
import type { Tree } from '../tree.ts'
import type { DerivedContext, DerivedEffect, DerivedInput, DerivedStep } from './derived-effect.ts'

const PROGRAM = '/usr/bin/localedef'
const SOURCES = '/usr/share/i18n'
const CHARMAP = `${SOURCES}/charmaps/UTF-8`

/** glibc has it built in. */
const BUILT_IN = 'C.UTF-8'

/** OCI architectures whose words begin with the high byte; a locale's files are in the order of the machine. */
const BIG_ENDIAN: readonly string[] = ['s390x', 'ppc64', 'mips', 'mips64']

/** Whether these locales need the effect. */
export function needsLocaleArchive(locales: readonly string[]): boolean {
  return locales.some((locale) => locale !== BUILT_IN)
}

/** The files of each of the definition's locales, which `locale-gen` of Debian's `locales` would make. */
export const localeArchive: DerivedEffect = {
  name: 'locale-archive',
  summary:
    'Makes the locales that the definition names, by the localedef of the image from the sources of package locales.',
  recipe: 1,
  steps(context) {
    const { tree } = context
    const program = tree.resolve(PROGRAM)
    const missing = program === undefined ? PROGRAM : [SOURCES, `${CHARMAP}.gz`].find((path) => !tree.get(path))
    if (program === undefined || missing !== undefined) {
      const reason = `the image has no ${missing}; it is in package ${missing === PROGRAM ? 'libc-bin' : 'locales'}`
      throw new ImageError('EFFECT_INVALID', `cannot derive locale-archive: ${reason}`)
    }
    const locales = context.locales.filter((locale) => locale !== BUILT_IN)
    if (locales.length === 0) {
      throw new ImageError('EFFECT_INVALID', 'cannot derive locale-archive: the definition names no locales')
    }
    // localedef would run gzip for the character map, which the image need not have.
    const inputs: DerivedInput[] = [...sourcesIn(tree), { path: CHARMAP, source: `${CHARMAP}.gz`, gunzip: true }]
    inputs.sort((left, right) => (left.path < right.path ? -1 : 1))
    return locales.map((locale) => step(locale, { context, program, inputs }))
  },
}

function step(
  locale: string,
  { context, program, inputs }: { context: DerivedContext; program: string; inputs: readonly DerivedInput[] },
): DerivedStep {
  const [, language = '', modifier = ''] = /^([^.@]+)[^@]*(@.+)?$/.exec(locale) ?? []
  const source = language + modifier
  if (context.tree.get(`${SOURCES}/locales/${source}`) === undefined) {
    throw new ImageError('EFFECT_INVALID', `cannot derive locale ${locale}: package locales has no ${source}`)
  }
  const order = BIG_ENDIAN.includes(context.architecture) ? '--big-endian' : '--little-endian'
  return {
    program,
    inputs,
    environment: ({ inputs: prefix }) => ({ LC_ALL: 'C', I18NPATH: prefix + SOURCES }),
    stdin: '',
    target: `/usr/lib/locale/${language}.utf8${modifier}`,
    arguments: ({ output }) => {
      return ['--no-archive', '--no-hard-links', order, '-i', source, '-f', 'UTF-8', `${output}/`]
    },
  }
}

function sourcesIn(tree: Tree): DerivedInput[] {
  const folder = `${SOURCES}/locales`
  return tree.list(folder).flatMap((name) => {
    const source = tree.resolve(`${folder}/${name}`)
    const type = source === undefined ? undefined : tree.get(source)?.type
    return source !== undefined && (type === 'file' || type === 'hardlink')
      ? [{ path: `${folder}/${name}`, source }]
      : []
  })
}
