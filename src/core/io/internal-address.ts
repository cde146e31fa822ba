import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** Networks that no public host has an address in (IANA's special-purpose registries, RFC 6890), by where they begin. */
const INTERNAL_V4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const

/** Of IPv6 only 2000::/3 is given to public hosts, but for these. */
const SPECIAL_V6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
] as const

const internalV4 = new BlockList()
for (const [network, prefix] of INTERNAL_V4) internalV4.addSubnet(network, prefix, 'ipv4')
const publicV6 = new BlockList()
publicV6.addSubnet('2000::', 3, 'ipv6')
const specialV6 = new BlockList()
for (const [network, prefix] of SPECIAL_V6) specialV6.addSubnet(network, prefix, 'ipv6')

/** What NAT64 puts before an IPv4 address (RFC 6052): a resolver of an IPv6-only network gives these for public hosts. */
const NAT64 = '0064:ff9b:0000:0000:0000:0000:'

/**
 * Whether an address is one of this machine, of a network behind it, or of nobody: what is told must not be sent there. Anything
 * that is no address in its usual form counts as one.
 */
export function isInternalAddress(address: string): boolean {
  if (isIPv4(address)) return internalV4.check(address, 'ipv4')
  // A zone names an interface of this machine.
  if (!isIPv6(address) || address.includes('%')) return true
  const full = expand(address)
  if (full.startsWith(NAT64)) return internalV4.check(lastIPv4(full), 'ipv4')
  return !publicV6.check(address, 'ipv6') || specialV6.check(address, 'ipv6')
}

/** Writes an IPv6 address in eight groups of four digits. */
function expand(address: string): string {
  const plain = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number)
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })
  const [head = '', tail] = plain.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  return [...before, ...Array<string>(zeros).fill('0'), ...after].map((group) => group.padStart(4, '0')).join(':')
}

function lastIPv4(full: string): string {
  const [high = 0, low = 0] = full
    .split(':')
    .slice(-2)
    .map((group) => Number.parseInt(group, 16))
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
