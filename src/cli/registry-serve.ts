import { once } from 'node:events'
import { createWriteStream, readFileSync, type WriteStream } from 'node:fs'
import { resolve } from 'node:path'
import { CasemateError, messageOf } from '#core'
import { AccessAuthority, type AccessRecord, collectGarbage, RegistryServer, readAccess } from '#oci/registry'
import { UsageError } from './errors.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import type { Terminal } from './terminal.ts'

/** The options of `registry serve`. */
export interface ServeOptions {
  readonly listen: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly htpasswd?: string
  readonly access?: string
  readonly auth: 'token' | 'basic'
  readonly publicUrl?: string
  readonly accessLog?: string
  readonly blobLimit: string
  readonly gcInterval: string
}

const HOUR = 3_600_000
/** What a client has touched within a day stays. */
const GRACE = 24 * HOUR

/** Serves a folder as a registry until a signal says to stop; then ends in order. */
export async function runRegistryServe(dir: string, options: ServeOptions, terminal: Terminal): Promise<ExitStatus> {
  const folder = resolve(dir)
  const { host, port } = parseListen(options.listen)
  const readTls = () => readCertificate(options)
  const tls = readTls()
  const authority = await openAuthorityOf(options, tls !== undefined)
  const log = openAccessLog(options.accessLog)
  const onError = (error: unknown) =>
    terminal.warn(error instanceof CasemateError ? `${error.message}  [${error.code}]` : messageOf(error))
  const server = await RegistryServer.start(folder, {
    host,
    port,
    limits: { blob: wholeNumber(options.blobLimit, '--blob-limit') },
    onError,
    ...(tls === undefined ? {} : { tls }),
    ...(authority === undefined ? {} : { authority }),
    ...(log === undefined ? {} : { onAccess: (record: AccessRecord) => void log.write(`${JSON.stringify(record)}\n`) }),
  })
  terminal.print(`serving ${folder} on ${tls === undefined ? 'http' : 'https'}://${server.address}`)
  if (authority === undefined) warnOpen(host, terminal)
  const interval = wholeNumber(options.gcInterval, '--gc-interval') * HOUR
  const collecting =
    interval > 0
      ? setInterval(() => void collectGarbage(server.store, { grace: GRACE }).catch(onError), interval)
      : undefined
  process.on('SIGHUP', () => {
    const renew = async () => {
      const renewed = readTls()
      if (renewed !== undefined) server.renewCertificate(renewed)
      authority?.renew(await readAccess(options))
    }
    // Files that are wrong change nothing: what was in force stays.
    renew().catch(onError)
  })
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
  clearInterval(collecting)
  await server.close()
  log?.end()
  return exitStatus.done
}

function parseListen(text: string): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:]+)\]|([^\s:/]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host !== undefined && Number(port) < 65_536) return { host, port: Number(port) }
  throw new UsageError('USAGE_INVALID', `cannot listen on "${text}": want HOST:PORT, e.g. 127.0.0.1:5000 or [::]:5000`)
}

function readCertificate({ tlsCert, tlsKey }: ServeOptions): { cert: Buffer; key: Buffer } | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new UsageError('USAGE_INVALID', 'cannot speak TLS: want both --tls-cert and --tls-key')
  }
  try {
    return { cert: readFileSync(tlsCert), key: readFileSync(tlsKey) }
  } catch (cause) {
    throw new UsageError('USAGE_INVALID', `cannot speak TLS: ${messageOf(cause)}`, { cause })
  }
}

async function openAuthorityOf(options: ServeOptions, isSecure: boolean): Promise<AccessAuthority | undefined> {
  const { access, htpasswd, auth, publicUrl } = options
  if (access === undefined && htpasswd === undefined) return undefined
  const url = publicUrl?.replace(/\/+$/, '')
  if (url !== undefined && !/^https?:\/\/[^\s"/]+$/.test(url)) {
    throw new UsageError('USAGE_INVALID', `cannot use "${publicUrl}" as --public-url: want https://HOST[:PORT]`)
  }
  const settings = await readAccess(options)
  return new AccessAuthority(settings, { scheme: auth, isSecure, ...(url === undefined ? {} : { publicUrl: url }) })
}

function openAccessLog(path: string | undefined): WriteStream | NodeJS.WriteStream | undefined {
  if (path === undefined) return undefined
  return path === '-' ? process.stdout : createWriteStream(path, { flags: 'a', mode: 0o600 })
}

function wholeNumber(text: string, option: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new UsageError('USAGE_INVALID', `cannot use "${text}" for ${option}: want a whole number`)
}

function warnOpen(host: string, terminal: Terminal): void {
  if (/^(127\.|localhost$|::1$)/.test(host)) return
  terminal.warn(
    'everybody who reaches this registry may push, overwrite and delete; say who may by --access or --htpasswd',
  )
}
