/** Which images are asked about: those that one of these patterns means, as `matchesNamePattern` reads them. */
export type VisibleImages = readonly string[]

/** Patterns of names as regular expressions of PostgreSQL, which mean the same; null for all names. */
export function patternExpressions(patterns: VisibleImages): readonly string[] | null {
  if (patterns.includes('**')) return null
  return patterns.map((pattern) => {
    const parts = pattern.match(/\*+|[^*]+/gu) ?? []
    const expression = parts.map((part) => {
      if (part === '*') return '[^/]*'
      return part.startsWith('*') ? '.*' : part.replace(/[\\^$.|?+()[\]{}]/g, String.raw`\$&`)
    })
    return `^${expression.join('')}$`
  })
}
