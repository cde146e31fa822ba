import { StoreError } from './errors.ts'

/** Where a database is and how to enter it. */
export interface DatabaseAddress {
  /** A host, or the folder of a Unix socket, which starts with `/`. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string | undefined
  readonly database: string
  /** `verify` wants a certificate that a known authority vouches for, `require` any, `disable` speaks in the clear. */
  readonly tls: 'disable' | 'require' | 'verify'
}

/**
 * Reads `postgres://USER[:PASSWORD]@HOST[:PORT]/DATABASE`; `?host=/FOLDER` is a Unix socket's folder. Over the network a
 * verified certificate is the default; `sslmode` may say `disable`, `require` or `verify-full`. Throws `DATABASE_INVALID`,
 * which never shows the password.
 */
export function parseDatabaseAddress(text: string): DatabaseAddress {
  const invalid = (reason: string) =>
    new StoreError(
      'DATABASE_INVALID',
      `cannot read the database's address: ${reason}, want postgres://USER:PASSWORD@HOST:5432/DATABASE`,
    )
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol)) throw invalid('it is no postgres URL')
  const unknown = [...url.searchParams.keys()].find((name) => name !== 'sslmode' && name !== 'host')
  if (unknown !== undefined) throw invalid(`nothing is known of its parameter ${JSON.stringify(unknown)}`)
  const decode = (part: string, name: string) => {
    try {
      return decodeURIComponent(part)
    } catch {
      throw invalid(`its ${name} is not encoded as URLs are`)
    }
  }
  const host = url.searchParams.get('host') ?? decode(url.hostname, 'host').replace(/^\[(.*)\]$/, '$1')
  if (host === '') throw invalid('it names no host')
  const database = decode(url.pathname.slice(1), 'database')
  const user = decode(url.username, 'user')
  if (user === '' || database === '') throw invalid(`it names no ${user === '' ? 'user' : 'database'}`)
  const password = url.password === '' ? undefined : decode(url.password, 'password')
  const port = url.port === '' ? 5432 : Number(url.port)
  return { host, port, user, password, database, tls: tlsOf(url.searchParams.get('sslmode'), host, invalid) }
}

function tlsOf(mode: string | null, host: string, invalid: (reason: string) => StoreError): DatabaseAddress['tls'] {
  const isNear = host.startsWith('/') || ['localhost', '127.0.0.1', '::1'].includes(host)
  switch (mode) {
    case null:
      return isNear ? 'disable' : 'verify'
    case 'disable':
    case 'require':
      return mode
    case 'verify-full':
      return 'verify'
    default:
      throw invalid(`its sslmode is ${JSON.stringify(mode)} and not disable, require or verify-full`)
  }
}

/** The address as it may be shown: without the password. */
export function showAddress({ host, port, user, database }: DatabaseAddress): string {
  return host.startsWith('/') ? `${database} in ${host}` : `postgres://${user}@${host}:${port}/${database}`
}
