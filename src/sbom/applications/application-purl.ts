import { formatPurl } from '#core'
import type { FoundPackage } from './found-package.ts'

/** Gives the purl of an application's package (purl-spec, types npm, pypi, golang, maven, gem). Throws for a name that cannot be one. */
export function applicationPurl({ ecosystem, name, version, platform }: FoundPackage): string {
  const release = version === '(devel)' ? undefined : version
  if (ecosystem === 'npm') return format('npm', splitAtLast(name, '/'), release)
  if (ecosystem === 'PyPI') return format('pypi', [undefined, name], release)
  if (ecosystem === 'Go') return format('golang', splitAtLast(name, '/'), release)
  // A Maven purl must have a group, and none is made up.
  if (ecosystem === 'Maven' && !name.includes(':')) return format('generic', [undefined, name], release)
  if (ecosystem === 'Maven') return format('maven', splitAtLast(name, ':'), release)
  return format('gem', [undefined, name], release, platform)
}

type Names = readonly [namespace: string | undefined, name: string]

function splitAtLast(text: string, separator: string): Names {
  const at = text.lastIndexOf(separator)
  return at < 0 ? [undefined, text] : [text.slice(0, at), text.slice(at + 1)]
}

function format(type: string, [namespace, name]: Names, version: string | undefined, platform?: string): string {
  return formatPurl({ type, namespace, name, version, qualifiers: platform === undefined ? undefined : { platform } })
}
