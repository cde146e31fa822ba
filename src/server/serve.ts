import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { messageOf } from '#core'
import type { Api } from './api.ts'
import { ServerError } from './errors.ts'

/** Where the API is served by itself, apart from a registry. */
export interface ServeOptions {
  /** Port 0 for a free one. */
  readonly host: string
  readonly port: number
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer }
}

/** An API that is being served. */
export interface ApiServer {
  readonly port: number
  /** Ends streams, lets requests under way end for so many milliseconds, and takes no more. */
  close(grace?: number): Promise<void>
}

/** Clients at a time. */
const CONNECTIONS = 2000

/**
 * Serves the API on a port of its own; where a registry is served by the same process, `RegistryServer` has the port for both.
 * Rejects with `LISTEN_FAILED`.
 */
export async function serveApi(api: Api, { host, port, tls }: ServeOptions): Promise<ApiServer> {
  const settings = {
    // A client that sends its request byte by byte is cut off, also within a body.
    headersTimeout: 10_000,
    requestTimeout: 20_000,
    keepAliveTimeout: 65_000,
    connectionsCheckingInterval: 2_000,
    maxHeaderSize: 16 * 1024,
    noDelay: true,
  }
  const server =
    tls === undefined
      ? http.createServer(settings, api.handle)
      : https.createServer({ ...settings, ...tls }, api.handle)
  server.maxConnections = CONNECTIONS
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (cause) {
    throw new ServerError('LISTEN_FAILED', `cannot listen on ${host}:${port}: ${messageOf(cause)}`, { cause })
  }
  return {
    // A server that listens on a host and port has such an address.
    port: (server.address() as AddressInfo).port,
    close: async (grace = 10_000) => {
      api.stop()
      const closed = once(server, 'close')
      server.close()
      server.closeIdleConnections()
      const force = setTimeout(() => server.closeAllConnections(), grace)
      await closed
      clearTimeout(force)
    },
  }
}
