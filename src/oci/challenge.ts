/** One authentication challenge of a `WWW-Authenticate` header: a scheme in lower case and its parameters (RFC 9110 §11). */
export interface Challenge {
  readonly scheme: string
  readonly parameters: ReadonlyMap<string, string>
}

const TOKEN = "[\\w!#$%&'*+.^`|~-]+"
const PART = new RegExp(
  `\\s*,?\\s*(?:(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))|(${TOKEN})(?=\\s|,|$)(?!\\s*=))`,
  'y',
)

/** Reads the challenges of a header, in order; what follows something unreadable is left out. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = []
  PART.lastIndex = 0
  for (let match = PART.exec(header); match !== null; match = PART.exec(header)) {
    const [, name, quoted, plain, scheme] = match
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: new Map() })
    else if (name !== undefined) {
      const value = quoted === undefined ? plain : quoted.replace(/\\(.)/g, '$1')
      challenges.at(-1)?.parameters.set(name.toLowerCase(), value ?? '')
    }
  }
  return challenges
}
