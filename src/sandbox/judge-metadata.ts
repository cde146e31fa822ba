import type { KeyExpectation, LicenceExpectation, MetadataExpectation, NamedValue } from './expectation.ts'
import { type ImageConfig, parseEnvironment } from './image-config.ts'
import { excerpt } from './judge-text.ts'
import type { LicenceOutcome } from './outcome.ts'
import { formatPattern, isFoundIn } from './pattern.ts'

/** Every reason why an image's config does not say what it should. */
export function judgeMetadata(want: MetadataExpectation, image: ImageConfig | undefined): string[] {
  const config = image?.config ?? {}
  const environment = parseEnvironment(config.Env ?? [])
  const set = want.unset.filter((name) => Object.hasOwn(environment, name))
  return [
    ...want.environment.flatMap((one) => judgeValue('the environment variable', one, environment)),
    ...set.map(
      (name) => `the environment variable ${name} is set to ${excerpt(environment[name] ?? '')}, want it unset`,
    ),
    ...want.labels.flatMap((one) => judgeValue('the label', one, config.Labels ?? {})),
    ...judgeKeys('port', want.ports, Object.keys(config.ExposedPorts ?? {}), isPort),
    ...judgeKeys('volume', want.volumes, Object.keys(config.Volumes ?? {}), (wanted, seen) => wanted === seen),
    ...judgeList('entrypoint', want.entrypoint, config.Entrypoint ?? []),
    ...judgeList('cmd', want.cmd, config.Cmd ?? []),
    ...judgeScalar('working directory', want.workDir, config.WorkingDir ?? ''),
    ...judgeScalar('user', want.user, config.User ?? ''),
  ]
}

function judgeValue(what: string, { name, value }: NamedValue, found: Readonly<Record<string, string>>): string[] {
  const seen = Object.hasOwn(found, name) ? found[name] : undefined
  if (seen === undefined) return [`${what} ${name} is not set`]
  if ('equals' in value) {
    return seen === value.equals ? [] : [`${what} ${name} is ${excerpt(seen)}, want ${excerpt(value.equals)}`]
  }
  const { matches } = value
  return isFoundIn(seen, matches)
    ? []
    : [`${what} ${name} is ${excerpt(seen)}, want it to match ${formatPattern(matches)}`]
}

function judgeKeys(
  what: string,
  { present, absent }: KeyExpectation,
  found: readonly string[],
  is: (wanted: string, seen: string) => boolean,
): string[] {
  const list = found.length === 0 ? 'none' : found.join(', ')
  return [
    ...present
      .filter((wanted) => !found.some((seen) => is(wanted, seen)))
      .map((wanted) => `${what} ${wanted} is not declared; declared are: ${list}`),
    ...absent
      .filter((unwanted) => found.some((seen) => is(unwanted, seen)))
      .map((unwanted) => `${what} ${unwanted} is declared, want it not to be`),
  ]
}

/** A port without protocol is that of any; in a config it is TCP's (image-spec, config.md). */
function isPort(wanted: string, seen: string): boolean {
  const [port, protocol = 'tcp'] = seen.split('/')
  return wanted === port || wanted === `${port}/${protocol}`
}

function judgeList(what: string, want: readonly string[] | undefined, seen: readonly string[]): string[] {
  if (want === undefined || (want.length === seen.length && want.every((word, index) => word === seen[index])))
    return []
  return [`the ${what} is ${JSON.stringify(seen)}, want ${JSON.stringify(want)}`]
}

function judgeScalar(what: string, want: string | undefined, seen: string): string[] {
  return want === undefined || want === seen ? [] : [`the ${what} is ${excerpt(seen)}, want ${excerpt(want)}`]
}

/** What container-structure-test's licence test looks for in the upper-cased texts of licences. */
const UNWANTED = ['AGPL', 'WTFPL'] as const
/** Whose text it leaves out, though one of its words is there. */
const EXEMPT = '/usr/share/doc/libgnutls30/copyright'

/** Every licence that is not wanted, and every text that is missing. */
export function judgeLicences(want: LicenceExpectation, got: LicenceOutcome | undefined): string[] {
  if (want.debian && !got?.hasFolder) return ['/usr/share/doc is not there: no licence can be told']
  return [...(got?.texts ?? [])].flatMap(([path, text]) => {
    if (path === EXEMPT) return []
    if (text === undefined) return [`${path} is not there`]
    const upper = text.text.toUpperCase()
    const words = UNWANTED.filter((word) => upper.includes(word))
    if (words.length > 0) return [`${path} names ${words.join(' and ')}`]
    return text.truncated ? [`${path} is longer than what is read of it`] : []
  })
}
