import type { Shape } from '#core'

/** A text of one line, such as a path or an address. */
export const textShape = {
  type: 'string',
  title: 'text, not empty',
  pattern: '^\\S(?:.*\\S)?$',
  maxLength: 4096,
} as const satisfies Shape

/** A folder, or one of a Git repository. */
export const folderShape = {
  title: 'a folder, or keys with `git`',
  anyOf: [
    textShape,
    {
      type: 'object',
      title: 'a Git repository',
      additionalProperties: false,
      required: ['git'],
      properties: { git: textShape, branch: textShape, path: textShape },
    },
  ],
} as const satisfies Shape
