import type { XStatic } from 'typebox/schema'
import type { Shape } from '#core'
import { pathRules } from '../path-rules.ts'
import { contract } from './contract-schema.ts'
import { pathEntry } from './path-schema.ts'
import { PLATFORMS } from './platforms.ts'
import { parts } from './schema-parts.ts'

const { described, listOf, text } = parts

/** The effects that run the image's own program (design, "derived effect"). */
export const DERIVED_EFFECTS = ['python-bytecode', 'locale-archive'] as const

const accounts = {
  type: 'object',
  title: 'users and groups',
  description: "Accounts beside those of Debian's base-passwd.",
  additionalProperties: false,
  properties: {
    users: listOf(
      {
        type: 'object',
        title: 'a user',
        additionalProperties: false,
        required: ['name', 'uid'],
        properties: {
          name: parts.accountName,
          uid: parts.id,
          gid: described(parts.id, 'Default: the uid.'),
          home: described(parts.directoryPath, 'Default: /nonexistent.'),
          shell: described(parts.absolutePath, 'Default: /usr/sbin/nologin.'),
          comment: parts.accountField,
        },
      },
      'a list of users',
      'Users, by name.',
    ),
    groups: listOf(
      {
        type: 'object',
        title: 'a group',
        additionalProperties: false,
        required: ['name', 'gid'],
        properties: {
          name: parts.accountName,
          gid: parts.id,
          members: listOf(parts.accountName, 'a list of account names', 'Users in it beside those whose own it is.'),
        },
      },
      'a list of groups',
      'Groups, by name.',
    ),
  },
} as const satisfies Shape

const packageReasons = (description: string) =>
  ({
    type: 'object',
    title: 'package names with reasons',
    description,
    propertyNames: parts.packageName,
    additionalProperties: parts.reason,
  }) as const satisfies Shape

const texts = (description: string) =>
  ({
    type: 'object',
    title: 'names with texts',
    description,
    propertyNames: text('a name without white space', '^[^\\s\\u0000-\\u001f\\u007f]+$', 255),
    additionalProperties: parts.removable(parts.words),
  }) as const satisfies Shape

const variantName = text('a variant name (a lowercase letter; then letters, digits, -)', '^[a-z][a-z0-9-]{0,31}$')

/** The keys that a definition and each of its variants have in common. */
const fragment = {
  title: described(parts.line, "The image's name for people."),
  description: described(parts.line, 'What the image is, in a line.'),
  packages: listOf(parts.packageRequest, 'a list of packages', 'Packages to install, with what they depend on.'),
  keep: listOf({ enum: pathRules.map((rule) => rule.name) }, 'a list of path rules', 'Path rules not to apply.'),
  derived: listOf({ enum: DERIVED_EFFECTS }, 'a list of derived effects', "Effects made by the image's own programs."),
  environment: {
    type: 'object',
    title: 'names with values',
    description: 'Environment variables; null takes one away that an extended definition or a base sets.',
    propertyNames: text('the name of an environment variable', '^[A-Za-z_][A-Za-z0-9_]*$', 255),
    additionalProperties: parts.removable(parts.argument),
  },
  entrypoint: listOf(
    parts.argument,
    'a list: program and arguments',
    'What always runs; exec form. Replaces as a whole.',
  ),
  cmd: listOf(parts.argument, 'a list of arguments', 'Arguments that a user may replace. Replaces as a whole.'),
  contract,
  accounts,
  paths: listOf(pathEntry, 'a list of paths', 'Files, directories and links beside those of packages.'),
  certificates: listOf(
    {
      title: "a path below the definition's folder, or a certificate in PEM form",
      anyOf: [parts.innerPath, text('a certificate', '^\\s*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\s-]+$', 65_536)],
    },
    'a list of certificates',
    'CA certificates to trust beside those of ca-certificates.',
  ),
  keystore: described(
    { enum: ['jks', 'pkcs12'] },
    "The form of Java's keystore with the CA certificates. Default: jks.",
  ),
  'time-zone': described(
    text('the name of a time zone, e.g. Europe/Paris', '^[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*$', 100),
    'Default: Etc/UTC.',
  ),
  locales: listOf(
    text('a UTF-8 locale, e.g. en_US.UTF-8', '^[a-z]{2,3}_[A-Z]{2}\\.UTF-8(?:@[a-z]+)?$|^C\\.UTF-8$', 50),
    'a list of locales',
    'Locales to have beside C.UTF-8.',
  ),
  acknowledge: packageReasons('Packages whose maintainer scripts do more than any effect, and why that is fine here.'),
  labels: texts('Labels of the image config.'),
  annotations: texts('Annotations of manifest and index.'),
  tests: listOf(
    { type: 'object', title: 'a test with a name', required: ['name'], properties: { name: parts.line } },
    'a list of tests',
    'Tests of the finished image.',
  ),
} as const satisfies Record<string, Shape>

/** The shape of a definition file, as it is checked and as editors use it. */
export const definitionSchema = {
  type: 'object',
  title: 'the keys of a definition',
  description: 'What an image shall be.',
  additionalProperties: false,
  required: ['image'],
  properties: {
    image: described(
      text(
        'an image name (lowercase letters, digits, . _ - and /)',
        '^(?:[a-z0-9]+|\\{base\\})(?:(?:[._/]|__|-+)(?:[a-z0-9]+|\\{base\\}))*$',
        200,
      ),
      'The name of the image, without registry and tag; {base} is the base, where `from` names several.',
    ),
    archive: {
      title: 'the name of an archive, or a list of names',
      description: 'Where packages come from. Default: debian-13. Replaces as a whole.',
      anyOf: [
        parts.archiveName,
        { type: 'array', items: parts.archiveName, minItems: 1, title: 'at least one archive' },
      ],
    },
    extends: described(parts.line, 'A catalogue image, or the path of a definition, that this one adds to.'),
    from: {
      title: 'a base, or a list of bases',
      description:
        'A catalogue image, the path of a definition, or an image, whose layers stay and get more above; of several, an image on each.',
      anyOf: [parts.line, { type: 'array', items: parts.line, minItems: 1, maxItems: 200, title: 'at least one base' }],
    },
    ...fragment,
    without: packageReasons(
      'Packages to leave out of variants without package manager, although something depends on them.',
    ),
    remove: packageReasons(
      'Packages of the image that this one stacks on (`from`) to take away, with what only they needed.',
    ),
    platforms: {
      type: 'array',
      title: 'at least one platform',
      description: 'Default: linux/amd64 and linux/arm64. Replaces as a whole.',
      items: { enum: PLATFORMS },
      minItems: 1,
    },
    variants: {
      type: 'object',
      title: 'variants by name',
      description: 'Images with more in them, from the same lock; their tags end in -NAME.',
      propertyNames: variantName,
      additionalProperties: {
        type: 'object',
        title: 'the keys of a variant',
        additionalProperties: false,
        properties: fragment,
      },
    },
    'without-variants': {
      type: 'object',
      title: 'variant names with reasons',
      description: 'Variants of an extended definition that this image shall not have.',
      propertyNames: variantName,
      additionalProperties: parts.reason,
    },
    tags: listOf(
      parts.line,
      'a list of tags',
      'Tags, e.g. "{python3.13:upstream}"; fields: upstream, minor, major, full. The first one is the version.',
    ),
    lifecycle: {
      type: 'object',
      title: 'dates by name',
      additionalProperties: false,
      properties: {
        'upstream-end': described(parts.date, 'The last day of upstream support.'),
        'archive-end': described(parts.date, "The last day of the archive's security support."),
      },
    },
    owner: described(parts.line, 'The team that answers for the image.'),
    vendor: parts.line,
    licenses: described(parts.line, 'An SPDX expression for the image as a whole.'),
    url: parts.url,
    documentation: parts.url,
    source: described(parts.url, 'Where the definition is kept.'),
    layers: {
      type: 'object',
      title: 'the keys of layers',
      additionalProperties: false,
      properties: {
        budget: {
          type: 'integer',
          title: 'a number from 3 to 100',
          description: 'How many layers the image may have. Default: 30, for overlays 60.',
          minimum: 3,
          maximum: 100,
        },
      },
    },
  },
} as const satisfies Shape

/** A definition file's value once its shape is checked; its keys and forms are still the file's. */
export type DefinitionDocument = XStatic<typeof definitionSchema>

/** A variant's part of it. */
export type FragmentDocument = NonNullable<DefinitionDocument['variants']>[string]
