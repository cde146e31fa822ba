/** Classes of answers in which we, grype and trivy mean the same. */
export const AGREEMENTS: ReadonlySet<string> = new Set([])

/** Classes of answers in which they do not, each with the reason. */
export const DISAGREEMENTS: ReadonlyMap<string, string> = new Map([])
