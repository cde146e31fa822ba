import { type AllowList, judgeBase, parseBaseName } from '#bases'
import { findSecretsIn, type SecretSearch } from '#secrets'
import { type DockerfileText, imagesOf, type Place, type Stage, type Step } from './read-dockerfile.ts'

/** By what a Dockerfile is judged. */
export interface LintContext {
  /** The file's name, for messages and for kinds of secrets. */
  readonly file: string
  readonly allow: AllowList | undefined
  readonly secrets: SecretSearch
  /** YYYY-MM-DD, UTC. */
  readonly today: string
  /** Digests of images by how they are meant, where they were looked up. */
  readonly digests: ReadonlyMap<string, string>
}

/** What breaks a rule, and what to write instead where that is certain. */
export interface Offence {
  readonly line: number
  readonly message: string
  readonly fix?: { readonly place: Place; readonly text: string }
}

/** A rule that Dockerfiles are held against. */
export interface LintRule {
  readonly name: string
  readonly severity: 'error' | 'warning'
  readonly reason: string
  readonly remedy: string
  check(dockerfile: DockerfileText, context: LintContext): readonly Offence[]
}

/** Rules that `# casemate ignore=RULE reason` switches off for the next instruction; this one itself is none of them. */
export const LINT_RULES: readonly LintRule[] = [
  {
    name: 'base-allowed',
    severity: 'error',
    reason: 'What an image is built on is most of it, and nobody has decided that it may be.',
    remedy: 'Build on an image of the allow-list, or have this one added, with a reason.',
    check: (dockerfile, { allow, today }) =>
      imagesOf(dockerfile).flatMap(({ name, written, line }) => {
        if (allow === undefined || name === undefined) return []
        const parsed = parseBaseName(name)
        if (parsed === undefined) return [{ line, message: `${written} is no reference of an image` }]
        const verdict = judgeBase(allow, parsed, today)
        return verdict.kind === 'allowed' ? [] : [{ line, message: verdict.reason }]
      }),
  },
  {
    name: 'base-known',
    severity: 'error',
    reason: 'What is built on nobody knows cannot be judged.',
    remedy: 'Give the ARG before the first FROM a default, or say its value by `--build-arg NAME=VALUE`.',
    check: (dockerfile) =>
      imagesOf(dockerfile)
        .filter(({ name }) => name === undefined)
        .map(({ line, written }) => ({ line, message: `${written} has no value here` })),
  },
  {
    name: 'base-pinned',
    severity: 'error',
    reason: 'A tag moves: what was looked at is not what will be built on.',
    remedy: 'Write the digest behind the tag, NAME:TAG@sha256:…; `--fix` looks it up.',
    check: (dockerfile, { digests }) =>
      imagesOf(dockerfile)
        .filter(({ name }) => name !== undefined && !name.includes('@sha256:'))
        .map(({ name = '', written, line, place }) => {
          const digest = digests.get(name)
          const canFix = digest !== undefined && written === name
          const offence = { line, message: `${written} is named without a digest` }
          return canFix ? { ...offence, fix: { place, text: `${written}@${digest}` } } : offence
        }),
  },
  {
    name: 'final-not-dev',
    severity: 'error',
    reason: 'What builds an image has a shell and a package manager, and runs as root.',
    remedy: 'Build in the -dev variant, and copy the result into the variant without it.',
    check: (dockerfile) => {
      const image = finalBase(dockerfile)
      if (image?.name === undefined || !/[:-](?:dev|debug)(?:@|$)/.test(image.name)) return []
      return [{ line: image.line, message: `the last stage is built on ${image.written}` }]
    },
  },
  {
    name: 'final-not-root',
    severity: 'error',
    reason: 'Whoever breaks out of a program that runs as root is root, in the container and often beyond.',
    remedy: 'End with `USER 65532:65532`.',
    check: (dockerfile) => {
      const last = lastStage(dockerfile)
      const user = last.steps.findLast(({ keyword }) => keyword === 'USER')
      if (user === undefined) {
        if (last.base !== 'scratch') return []
        const end = last.steps.at(-1)?.end ?? last.from.end
        const fix = { place: { start: end, end }, text: '\nUSER 65532:65532' }
        return [{ line: last.from.line, message: 'on scratch, who says no user runs as root', fix }]
      }
      if (!/^(?:root|0)(?::|\s*$)/.test(user.content.trim())) return []
      const place = { start: user.contentStart, end: user.end }
      return [
        { line: user.line, message: `the last user is ${user.content.trim()}`, fix: { place, text: '65532:65532' } },
      ]
    },
  },
  {
    name: 'final-no-install',
    severity: 'error',
    reason:
      'What is installed in the last stage has no lock, brings its package manager along, and fails where there is no shell.',
    remedy: 'Install in a stage before, on the -dev variant, and copy the result; or write an overlay.',
    check: (dockerfile) =>
      runsOf(lastStage(dockerfile))
        .filter(({ content }) => INSTALL.test(content))
        .map(({ line, content }) => ({ line, message: `the last stage runs ${INSTALL.exec(content)?.[0] ?? ''}` })),
  },
  {
    name: 'final-exec-form',
    severity: 'error',
    reason:
      'Without brackets a shell starts the program: there is none in a hardened image, and it would not pass signals on.',
    remedy: 'Write it as a list: `ENTRYPOINT ["/usr/bin/app", "--serve"]`.',
    check: (dockerfile) =>
      lastStage(dockerfile)
        .steps.filter(
          ({ keyword, isJson, content }) => /^(?:ENTRYPOINT|CMD)$/.test(keyword) && !isJson && content.trim() !== '',
        )
        .map((step) => {
          const offence = { line: step.line, message: `${step.keyword} is written as a line of a shell` }
          // What a shell would read otherwise is left to people.
          if (!/^[\w./:=@%+, -]+$/.test(step.content)) return offence
          const text = JSON.stringify(step.content.trim().split(/\s+/)).replaceAll('","', '", "')
          return { ...offence, fix: { place: { start: step.contentStart, end: step.end }, text } }
        }),
  },
  {
    name: 'no-secret',
    severity: 'error',
    reason: 'A Dockerfile is in a repository, and what ARG and ENV hold is in the history of the image.',
    remedy: 'Revoke it, and hand it over by `RUN --mount=type=secret,id=…`.',
    check: ({ text }, { secrets, file }) =>
      findSecretsIn(text, `/${file}`, secrets).map(({ kind, line, shown }) => ({ line, message: `${kind}: ${shown}` })),
  },
  {
    name: 'no-secret-variable',
    severity: 'error',
    reason: 'What ARG and ENV hold is in the history of the image, for everybody who can pull it.',
    remedy: 'Hand it over by `RUN --mount=type=secret,id=…`.',
    check: (dockerfile) =>
      stepsOf(dockerfile)
        .filter(({ keyword }) => keyword === 'ARG' || keyword === 'ENV')
        .flatMap(({ keyword, line, content }) => {
          const names = content.match(/[A-Za-z_]\w*(?==)|^[A-Za-z_]\w*/g) ?? []
          const named = names.filter((name) => SECRET_NAME.test(name) && !PUBLIC_NAME.test(name))
          return named.map((name) => ({ line, message: `${keyword} ${name} is called a secret` }))
        }),
  },
  {
    name: 'add-verified',
    severity: 'error',
    reason: 'What a server gives today it need not give tomorrow, nor to everybody.',
    remedy: 'Say what it has to be: `ADD --checksum=sha256:… URL PATH`.',
    check: (dockerfile) =>
      stepsOf(dockerfile)
        .filter(({ keyword, content }) => keyword === 'ADD' && /(?:^|[\s"[])(?:https?|ftp):\/\//.test(content))
        .filter(({ flags }) => !flags.some(({ name }) => name === 'checksum'))
        .map(({ line }) => ({ line, message: 'ADD takes from a server what nothing is held against' })),
  },
  {
    name: 'no-piped-script',
    severity: 'error',
    reason: 'What a server gives is run as it comes, as root.',
    remedy: 'Take it by `ADD --checksum=sha256:…`, look at it, run that.',
    check: (dockerfile) =>
      dockerfile.stages
        .flatMap(runsOf)
        .filter(({ content }) => /\b(?:curl|wget)\b[^|;&\n]*\|\s*(?:sudo\s+)?(?:ba|da|z|k)?sh\b/.test(content))
        .map(({ line }) => ({ line, message: 'what is fetched goes into a shell' })),
  },
  {
    name: 'copy-not-add',
    severity: 'warning',
    reason: 'ADD unpacks archives and fetches from servers; who only copies says so.',
    remedy: 'Write COPY.',
    check: (dockerfile) =>
      stepsOf(dockerfile)
        .filter(
          ({ keyword, content }) =>
            keyword === 'ADD' && !/:\/\/|^git@|\.(?:tar|tgz|tbz2|txz|t?gz|bz2|xz|zst)\b|\$/.test(content),
        )
        .map(({ line, start }) => ({
          line,
          message: 'ADD only copies here',
          fix: { place: { start, end: start + 'ADD'.length }, text: 'COPY' },
        })),
  },
]

const INSTALL =
  /\b(?:apt-get|apt|aptitude|apk|dnf|microdnf|yum|zypper|pip3?|npm|gem)\s+(?:-\S+\s+)*(?:install|add|ci)\b/
const SECRET_NAME = /(?:^|_)(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS?)(?:_|$)/i
/** Files and names of secrets are none. */
const PUBLIC_NAME = /_(?:FILE|PATH|DIR|URL|URI|NAME|ID)$/i

function lastStage({ stages }: DockerfileText): Stage {
  const last = stages.at(-1)
  if (last === undefined) throw new TypeError('a Dockerfile has a stage')
  return last
}

/** The image that the last stage stands on, through stages that it is built on. */
function finalBase(dockerfile: DockerfileText) {
  let stage: Stage | undefined = lastStage(dockerfile)
  while (stage !== undefined && typeof stage.base === 'object' && 'stage' in stage.base) {
    stage = dockerfile.stages[stage.base.stage]
  }
  return typeof stage?.base === 'object' && 'written' in stage.base ? stage.base : undefined
}

function stepsOf({ head, stages }: DockerfileText): readonly Step[] {
  return [...head, ...stages.flatMap(({ steps }) => steps)]
}

function runsOf({ steps }: Stage): readonly Step[] {
  return steps.filter(({ keyword }) => keyword === 'RUN')
}
