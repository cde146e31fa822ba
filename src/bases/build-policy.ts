import type { AllowedBase, AllowList } from './allow-list.ts'
import { BasesError } from './errors.ts'
import { regexpOfPattern } from './pattern-regexp.ts'

/**
 * Writes an allow-list as a build policy for buildx 0.31 and later, `Dockerfile.rego`: images of the list, the build's own files, what
 * has a checksum from a server, and nothing else. Throws `ALLOW_LIST_UNTRANSLATABLE` for an entry with a signer, which such a policy would have to look up otherwise.
 */
export function formatBuildPolicy({ bases }: AllowList): string {
  const signed = bases.find(({ signer }) => signer !== undefined)
  if (signed !== undefined) {
    const reason =
      'a build policy cannot ask for its signer; leave the entry out, or verify it by `casemate gate --allow`'
    throw new BasesError('ALLOW_LIST_UNTRANSLATABLE', `cannot write ${signed.place} as a build policy: ${reason}`)
  }
  return [
    '# Made by `casemate policy export` from an allow-list; edit that. For buildx 0.31 and later.',
    'package docker',
    '',
    'default allow := false',
    '',
    'allow if input.local',
    '',
    '# As `casemate lint` wants it: what a server gives is held against a sum.',
    'allow if input.http.checksum != ""',
    ...bases.flatMap((base) => ['', ...ruleOf(base)]),
    '',
    'deny_msg contains sprintf("%s is not on the allow-list", [input.image.ref]) if {',
    '\tinput.image',
    '\tnot allow',
    '}',
    '',
    'decision := {"allow": allow, "deny_msg": deny_msg}',
    '',
  ].join('\n')
}

function ruleOf({ repository, tag, digests, until, reason, place }: AllowedBase): readonly string[] {
  return [
    `# ${place.replaceAll('\n', ' ')}: ${reason.replaceAll(/\s+/g, ' ')}`,
    'allow if {',
    `\tregex.match(\`^${regexpOfPattern(repository)}$\`, input.image.fullRepo)`,
    ...(tag === undefined || digests.length > 0
      ? []
      : [`\tregex.match(\`^${regexpOfPattern(tag)}$\`, input.image.tag)`]),
    ...(digests.length === 0
      ? []
      : [`\tinput.image.checksum in ${JSON.stringify(digests)}`, '\tinput.image.isCanonical']),
    ...(until === undefined ? [] : [`\ttime.now_ns() < time.parse_rfc3339_ns("${until}T00:00:00Z")`]),
    '}',
  ]
}
