import type { Shape } from '#core'

/** A text that a pattern describes; `title` is the noun that faults use. */
function text<const Title extends string>(title: Title, pattern: string, maxLength = 4096) {
  return { type: 'string', title, pattern, maxLength } as const satisfies Shape
}

function listOf<const Items extends Shape>(items: Items, title: string, description: string) {
  return { type: 'array', title, description, items } as const satisfies Shape
}

function described<const Part extends Shape>(part: Part, description: string) {
  return { ...part, description } as const satisfies Shape
}

/** A value, or nothing in the place of one that an extended definition or a base has. */
function removable<const Part extends Shape & { readonly title: string }>(part: Part) {
  return { title: `${part.title}, or null to take it away`, anyOf: [part, { type: 'null' }] } as const satisfies Shape
}

const component = '(?!\\.{1,2}(?:/|$))(?!\\.wh\\.)[^/\\u0000-\\u001f\\u007f]{1,255}'
const line = text(
  'text on one line, not empty',
  '^[^\\u0000-\\u001f\\u007f]*[^\\s\\u0000-\\u001f\\u007f][^\\u0000-\\u001f\\u007f]*$',
)
const words = text('text without control characters', '^[^\\u0000-\\u0008\\u000b-\\u001f\\u007f]*$', 65_536)
const argument = text('text without a zero byte', '^[^\\u0000]*$', 131_072)
const packageName = text(
  'a package name (deb-control(5): lowercase letters, digits, + - .)',
  '^[a-z0-9][a-z0-9+.-]+$',
  200,
)
const packageRequest = text(
  'a package: name, name=version, name>=version, name/suite or name:architecture',
  '^[a-z0-9][a-z0-9+.-]+(?::[a-z0-9-]+)?(?:>?=[0-9][A-Za-z0-9.+~:-]*|/[a-z0-9][a-z0-9./-]*)?$',
  400,
)
const absolutePath = text('an absolute path without "." and ".." in it', `^(?:/${component})+$`)
const directoryPath = text('an absolute path without "." and ".." in it', `^/$|^(?:/${component})+$`)
const innerPath = text(
  'a path below the definition\'s folder, without ".."',
  `^(?!-----)${component}(?:/${component})*$`,
)
const linkTarget = text("a link's target", '^[^\\u0000-\\u001f\\u007f]+$')
const reason = { ...line, title: 'a reason, not empty' } as const
const accountName = text('an account name (lowercase letters, digits, _ and -; at most 32)', '^[a-z_][a-z0-9_-]{0,31}$')
const accountField = text('text on one line without ":"', '^[^:\\u0000-\\u001f\\u007f]*$')
const url = text('a URL that begins with https:// or http://', '^https?://[^\\s]+$')
const date = text('a date: YYYY-MM-DD', '^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$')
const archiveName = text('the name of an archive, e.g. debian-13', '^[a-z0-9][a-z0-9.-]*$', 100)
const id = { type: 'integer', title: 'a number from 0 to 4294967294', minimum: 0, maximum: 4_294_967_294 } as const
const mode = {
  title: 'an octal mode: "0755" or 0o755',
  anyOf: [text('an octal mode', '^0?[0-7]{3,4}$'), { type: 'integer', minimum: 0, maximum: 0o7777 }],
} as const satisfies Shape
const port = {
  title: 'a port from 1 to 65535, or "53/udp"',
  anyOf: [{ type: 'integer', minimum: 1, maximum: 65_535 }, text('a port', '^[1-9][0-9]{0,4}(?:/(?:tcp|udp|sctp))?$')],
} as const satisfies Shape

/** The building blocks of the definition's schema. */
export const parts = {
  absolutePath,
  accountField,
  accountName,
  archiveName,
  argument,
  date,
  described,
  directoryPath,
  id,
  innerPath,
  line,
  linkTarget,
  listOf,
  mode,
  packageName,
  packageRequest,
  port,
  reason,
  removable,
  text,
  url,
  words,
} as const
