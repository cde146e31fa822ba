import { DebianError } from './errors.ts'
import { parseStanzas } from './stanza.ts'

/** A repository that the host's apt is set to: what sources.list(5) says of it that we use. */
export interface AptSource {
  readonly uris: readonly string[]
  readonly suites: readonly string[]
}

/**
 * Reads an apt source file, one-line (`NAME.list`) or deb822 (`NAME.sources`), as sources.list(5) has them. Only binary
 * repositories over http and https that are not disabled are given. What apt would refuse is passed over: these files
 * only suggest mirrors.
 */
export function parseAptSources(text: string, filename: string): AptSource[] {
  const sources = filename.endsWith('.sources')
    ? deb822Sources(text, filename)
    : text.split('\n').flatMap(oneLineSource)
  return sources
    .map(({ uris, suites }) => ({ uris: uris.filter((uri) => /^https?:\/\//.test(uri)).map(withoutSlash), suites }))
    .filter(({ uris, suites }) => uris.length > 0 && suites.length > 0)
}

/** Gives a base URL as we join paths to it: without the slash at its end. */
export function withoutSlash(uri: string): string {
  return uri.replace(/\/+$/, '')
}

function oneLineSource(line: string): AptSource[] {
  const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/.exec(line.replace(/#.*/, ''))
  const [, uri, suite] = match ?? []
  return uri === undefined || suite === undefined ? [] : [{ uris: [uri], suites: [suite] }]
}

function deb822Sources(text: string, filename: string): AptSource[] {
  try {
    return parseStanzas(text, filename)
      .filter((stanza) => !/^(no|false|without|off|disable)$/i.test(stanza.get('enabled') ?? ''))
      .filter((stanza) => words(stanza.get('types')).includes('deb'))
      .map((stanza) => ({ uris: words(stanza.get('uris')), suites: words(stanza.get('suites')) }))
  } catch (error) {
    if (error instanceof DebianError) return []
    throw error
  }
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '')
}
