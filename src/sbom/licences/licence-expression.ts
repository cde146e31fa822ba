/** A licence expression as a tree. A leaf is an SPDX id, with its exception where it has one, or a `LicenseRef-`. */
export type LicenceExpression =
  | { readonly kind: 'one'; readonly id: string }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly LicenceExpression[] }

/** Makes a leaf. */
export function one(id: string): LicenceExpression {
  return { kind: 'one', id }
}

/** Joins expressions: flat, without duplicates, sorted by their text, so that the order of statements does not matter. */
export function join(kind: 'and' | 'or', parts: readonly LicenceExpression[]): LicenceExpression {
  const flat = parts.flatMap((part) => (part.kind === kind ? part.parts : [part]))
  const byText = new Map(flat.map((part) => [formatLicenceExpression(part), part]))
  const sorted = [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, part]) => part)
  const [first] = sorted
  return sorted.length === 1 && first !== undefined ? first : { kind, parts: sorted }
}

/** Writes an expression as SPDX 2.3, annex D, has it; parentheses stand around every choice inside a conjunction, and the reverse. */
export function formatLicenceExpression(expression: LicenceExpression): string {
  if (expression.kind === 'one') return expression.id
  const inner = expression.parts.map((part) => {
    const text = formatLicenceExpression(part)
    return part.kind === 'one' ? text : `(${text})`
  })
  return inner.join(expression.kind === 'and' ? ' AND ' : ' OR ')
}
