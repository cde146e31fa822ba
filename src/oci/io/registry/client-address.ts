import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv4 } from 'node:net'

/** Proxies that are believed when they say who asked them. */
export interface TrustedProxies {
  /** Addresses and networks: `10.0.0.7`, `10.0.0.0/8`, `2001:db8::/32`. */
  readonly networks: readonly string[]
  /** The only header that they set, and so the only one that is read: the other one a client may have sent through them. */
  readonly header: 'x-forwarded-for' | 'forwarded'
}

/** Who asks, by a request. */
export type AddressOf = (request: Pick<IncomingMessage, 'socket' | 'headers'>) => string

/** Further proxies than so many nobody has behind one another. */
const MOST_HOPS = 32

/** The address of the connection: whatever a request says of itself is not believed. */
export const peerAddress: AddressOf = ({ socket }) => plain(socket.remoteAddress ?? 'unknown')

/**
 * Makes what finds out who asked the outermost of one's own proxies. Names are gone through from the end, where the nearest proxy has written, as long as
 * it is a proxy of one's own that says so; the first that is none is the client. What a proxy says that is no address, RFC 7239's `unknown` among it, is
 * not followed: then the proxy itself stands for its client. Throws a `TypeError` for what `isNetwork` refuses.
 */
export function addressBehind({ networks, header }: TrustedProxies): AddressOf {
  const known = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    if (prefix === undefined) known.addAddress(address, family)
    else known.addSubnet(address, Number(prefix), family)
  }
  const isProxy = (address: string) => isIP(address) !== 0 && known.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
  return (request) => {
    let address = peerAddress(request)
    if (!isProxy(address)) return address
    const value = request.headers[header]
    const text = Array.isArray(value) ? value.join(',') : (value ?? '')
    const named = header === 'forwarded' ? forwardedFor(text) : text.split(',')
    for (const one of named.slice(-MOST_HOPS).reverse()) {
      const next = addressIn(one)
      if (next === undefined) return address
      address = next
      if (!isProxy(address)) return address
    }
    return address
  }
}

/** Whether a text is an address, or a network as `ADDRESS/PREFIX`. */
export function isNetwork(text: string): boolean {
  const [address = '', prefix, ...more] = text.split('/')
  const family = isIP(address)
  if (family === 0 || address.includes('%') || more.length > 0) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128))
}

/** The `for` of each element of `Forwarded` (RFC 7239 §4), in order; one without it is empty, and so is all that cannot be read. */
function forwardedFor(text: string): readonly string[] {
  const found: string[] = []
  for (const element of splitOutside(text, ',')) {
    const pair = splitOutside(element, ';').find((one) => /^\s*for\s*=/i.test(one)) ?? ''
    const value = pair.slice(pair.indexOf('=') + 1).trim()
    const [, quoted] = /^"((?:[^"\\]|\\.)*)"$/.exec(value) ?? []
    found.push(quoted === undefined ? value : quoted.replace(/\\(.)/g, '$1'))
  }
  return found
}

function splitOutside(text: string, separator: string): readonly string[] {
  return text.match(new RegExp(`(?:"(?:[^"\\\\]|\\\\.)*"|[^${separator}"]|")+`, 'g')) ?? []
}

/** `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1` or `[2001:db8::1]:80`; `undefined` for anything else. */
function addressIn(text: string): string | undefined {
  const given = text.trim()
  const [, bracketed] = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(given) ?? []
  const [, beforePort] = /^([^:]+):\d{1,5}$/.exec(given) ?? []
  const address = plain(bracketed ?? beforePort ?? given)
  return isIP(address) === 0 || address.includes('%') ? undefined : address
}

/** An IPv4 address that an IPv6 socket writes is one. */
function plain(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address
}
