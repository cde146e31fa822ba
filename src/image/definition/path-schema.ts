import type { Shape } from '#core'
import { PLATFORMS } from './platforms.ts'
import { parts } from './schema-parts.ts'

const { described, text } = parts

const platformTexts = <const Value extends Shape>(value: Value, title: string) =>
  ({
    title,
    anyOf: [
      value,
      {
        type: 'object',
        title: 'one for each platform',
        minProperties: 1,
        propertyNames: { enum: PLATFORMS, title: 'an OCI platform, e.g. linux/amd64' },
        additionalProperties: value,
      },
    ],
  }) as const satisfies Shape

const patterns = (description: string) =>
  ({
    type: 'array',
    title: 'at least one pattern',
    description,
    minItems: 1,
    items: text(
      'a pattern below the folder: names, *, ? and **',
      '^(?!/)(?:(?!\\.{1,2}(?:/|$))[^/\\u0000-\\u001f\\u007f]+(?:/(?!$)|$))+$',
      1024,
    ),
  }) as const satisfies Shape

/** An entry of `paths`. */
export const pathEntry = {
  type: 'object',
  title: 'a path with what stands there',
  additionalProperties: false,
  required: ['path'],
  properties: {
    path: described(parts.directoryPath, 'Where it stands in the image.'),
    type: { enum: ['directory', 'file', 'symlink', 'absent'], description: 'Needed only where no other key tells it.' },
    symlink: described(parts.linkTarget, 'Makes a symbolic link with this target.'),
    content: described(parts.words, 'Makes a file with this text.'),
    source: described(parts.innerPath, "Takes in this file or folder, below the definition's own folder."),
    url: described(
      platformTexts(parts.url, 'a URL that begins with https:// or http://, or one for each platform'),
      'Takes in what is found there; needs its `sha256`.',
    ),
    sha256: described(
      platformTexts(
        text('64 lowercase hex digits', '^[0-9a-f]{64}$'),
        '64 lowercase hex digits, or those of each platform',
      ),
      'The SHA-256 of what is found at `url`.',
    ),
    unpack: { enum: ['tar', 'tar.gz', 'tar.xz', 'tar.zst', 'zip'], description: 'Takes in what this archive holds.' },
    strip: {
      type: 'integer',
      title: 'a number from 0 to 20',
      description: 'How many folders to leave off the front of each path of the archive. Default: 0.',
      minimum: 0,
      maximum: 20,
    },
    image: described(
      text(
        'an image with its digest: REFERENCE@sha256:64 hex digits',
        '^[^\\s\\u0000-\\u001f\\u007f]+@sha256:[0-9a-f]{64}$',
        1000,
      ),
      'Takes in paths of this image, of the platform that is built.',
    ),
    'from-path': described(
      text(
        'a path of the archive or image, without "." and ".."',
        '^/$|^/?(?!\\.{1,2}(?:/|$))[^/\\u0000-\\u001f\\u007f]+(?:/(?!\\.{1,2}(?:/|$))[^/\\u0000-\\u001f\\u007f]+)*$',
      ),
      'The file or folder to take of an archive (default: all of it) or image.',
    ),
    include: patterns('What to take of a folder: "*.so", "lib/**/*.py". Default: everything.'),
    exclude: patterns('What not to take of a folder, with all that is below it.'),
    mode: described(
      parts.mode,
      'Default: "0755" for a directory, "0644" for a file; for what is taken in see the documentation.',
    ),
    'directory-mode': described(parts.mode, 'The mode of directories that are taken in and not there yet.'),
    uid: described(parts.id, 'Default: 0; of an image, its own.'),
    gid: described(parts.id, 'Default: 0; of an image, its own.'),
    replace: { type: 'boolean', description: 'Takes the place of what a package or an extended definition has there.' },
    reason: described(parts.reason, 'Why a path of a package is left out; needed with `type: absent`.'),
  },
} as const satisfies Shape
