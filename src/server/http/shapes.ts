import type { Shape } from '#core'

/** Shapes that routes share. Each `title` is what faults say was wanted. */

export const IMAGE = {
  type: 'string',
  title: 'the name of an image',
  pattern: '^[a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*$',
  maxLength: 255,
} as const satisfies Shape

export const VARIANT = {
  type: 'string',
  title: 'the name of a variant',
  pattern: '^[a-z0-9][a-z0-9._-]*$',
  maxLength: 64,
} as const satisfies Shape

export const NUMBER = {
  type: 'integer',
  title: 'a number',
  minimum: 1,
  maximum: Number.MAX_SAFE_INTEGER,
} as const satisfies Shape

export const MOMENT = {
  type: 'string',
  title: 'a moment in UTC, e.g. 2026-11-22T12:00:00.000Z',
  pattern: '^[12]\\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d\\.\\d{3}Z$',
} as const satisfies Shape

export const REASON = {
  type: 'string',
  title: 'a reason for people, of 1 to 500 characters',
  minLength: 1,
  maxLength: 500,
  pattern: '^[^\\u0000-\\u001f\\u007f]*$',
} as const satisfies Shape

export const DIGEST = {
  type: 'string',
  title: 'a SHA-256 digest',
  pattern: '^sha256:[0-9a-f]{64}$',
} as const satisfies Shape

export const COUNT = { type: 'integer', title: 'a count', minimum: 0 } as const satisfies Shape

export const TEXT = { type: 'string' } as const satisfies Shape

export const ANYTHING = { description: 'any JSON' } as const satisfies Shape

/** How many items a page has, and behind which item it begins. */
export const PAGING = {
  cursor: { type: 'string', title: 'the `next` of the page before', pattern: '^[A-Za-z0-9_-]+$', maxLength: 2048 },
  limit: { type: 'integer', title: 'how many items, 1 to 1000', minimum: 1, maximum: 1000 },
} as const satisfies Record<string, Shape>

/** Items of a page where nothing is said. */
export const PAGE = 100

/** A value, or nothing. */
export function orNull<const Value extends Shape>(shape: Value) {
  return { anyOf: [shape, { type: 'null' }] } as const satisfies Shape
}

export function list<const Item extends Shape>(items: Item) {
  return { type: 'array', items } as const satisfies Shape
}

/** An object that has all of these, and nothing else. */
export function objectOf<const Properties extends Readonly<Record<string, Shape>>>(properties: Properties): Shape {
  return { type: 'object', additionalProperties: false, required: Object.keys(properties), properties }
}

/** A page: items, and the cursor of what follows, or nothing. */
export function page(items: Shape): Shape {
  return objectOf({ items: list(items), next: orNull({ type: 'string' }) })
}
