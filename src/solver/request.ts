import { type ArchivePackage, type DebVersion, parseVersion, satisfies, type VersionOperator } from '#debian'
import { SolverError } from './errors.ts'

/** What somebody asks for: `name[:architecture]`, then at most one of `⟨operator⟩version` and `/suite`. */
export interface Request {
  readonly name: string
  readonly architecture?: string
  readonly operator?: VersionOperator
  readonly version?: DebVersion
  readonly suite?: string
}

const REQUEST =
  /^([a-z0-9][a-z0-9+.-]+)(?::([a-z0-9][a-z0-9-]*))?(?:\s*(<<|<=|>=|>>|=)\s*(\S+)|\/([a-z0-9][a-z0-9._+/-]*))?$/

/** Reads `name`, `name=version`, `name>=version` (and `<<`, `<=`, `>>`), `name/suite`, each also as `name:arch…`. Throws `REQUEST_INVALID`. */
export function parseRequest(text: string): Request {
  const match = REQUEST.exec(text.trim())
  const name = match?.[1]
  if (match === null || name === undefined) {
    throw invalid(text, 'want name[:arch], then nothing, "=version" (or <<, <=, >=, >>), or "/suite"')
  }
  const [, , architecture, operator, version, suite] = match
  if (architecture === 'any' || architecture === 'native') throw invalid(text, `"${architecture}" is no architecture`)
  return {
    name,
    ...(architecture === undefined ? {} : { architecture }),
    ...(isOperator(operator) && version !== undefined ? { operator, version: checkedVersion(text, version) } : {}),
    ...(suite === undefined ? {} : { suite }),
  }
}

/** Writes a request as `parseRequest` reads it. */
export function formatRequest(request: Request): string {
  const architecture = request.architecture === undefined ? '' : `:${request.architecture}`
  const version = request.operator === undefined ? '' : `${request.operator}${request.version}`
  const suite = request.suite === undefined ? '' : `/${request.suite}`
  return `${request.name}${architecture}${version}${suite}`
}

/** Tells whether a package of the request's name is one that the request allows; the architecture is not looked at. */
export function allows(request: Request, offered: ArchivePackage): boolean {
  return (
    satisfies(offered.version, request.operator, request.version) &&
    (request.suite === undefined || request.suite === offered.suite)
  )
}

function checkedVersion(text: string, version: string): DebVersion {
  try {
    parseVersion(version)
  } catch (cause) {
    throw invalid(text, `"${version.slice(0, 100)}" is no version`, cause)
  }
  return version
}

function isOperator(text: string | undefined): text is VersionOperator {
  return text === '<<' || text === '<=' || text === '=' || text === '>=' || text === '>>'
}

function invalid(text: string, reason: string, cause?: unknown): SolverError {
  return new SolverError('REQUEST_INVALID', `cannot parse request "${text.slice(0, 200)}": ${reason}`, { cause })
}
