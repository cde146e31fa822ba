import { AttestError } from './errors.ts'

/** A key in a token, as RFC 7512 names it, and how to get there. */
export interface Pkcs11Uri {
  /** What messages call it: without its query, which may lead to a PIN. */
  readonly name: string
  /** The label of the token. One of these two is there. */
  readonly token?: string
  readonly slotId?: string
  /** The label of the key. One of these two is there. */
  readonly object?: string
  /** In hex. */
  readonly id?: string
  /** The library that speaks to the token. */
  readonly modulePath?: string
  /** The file that holds the PIN. */
  readonly pinFile?: string
}

const SCHEME = 'pkcs11:'
const MAX_URI = 4096

/** Whether a key is named as one in a token. */
export function isPkcs11Uri(reference: string): boolean {
  return reference.startsWith(SCHEME)
}

/**
 * Reads a URI such as `pkcs11:token=team;object=release?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/run/pin` (RFC
 * 7512). Throws `KEY_INVALID`, also for attributes that are not used here: a key must not be another than its name says.
 */
export function parsePkcs11Uri(reference: string): Pkcs11Uri {
  const [path = '', query, ...more] = reference.slice(SCHEME.length).split('?')
  const name = `${SCHEME}${path.replace(/[^\x21-\x7e]/g, '')}`.slice(0, 200)
  const refuse = (reason: string) => new AttestError('KEY_INVALID', `cannot use the key ${name}: ${reason}`)
  if (!isPkcs11Uri(reference) || reference.length > MAX_URI || more.length > 0) throw refuse('it is no URI of RFC 7512')
  const place = readAttributes(path, ';', refuse)
  const access = readAttributes(query ?? '', '&', refuse)
  if (access.has('pin-value')) {
    throw refuse('a PIN in it is seen by everybody: want pin-source=file:PATH, or set COSIGN_PKCS11_PIN')
  }
  const token = take(place, 'token')
  const slotId = take(place, 'slot-id')
  const object = take(place, 'object')
  const id = place.get('id')?.toString('hex')
  place.delete('id')
  const modulePath = take(access, 'module-path')
  const pinSource = take(access, 'pin-source')
  // A URI of a private key or of its public key names the pair.
  const type = take(place, 'type') ?? 'private'
  const [unknown] = [...place.keys(), ...access.keys()]
  if (unknown !== undefined) throw refuse(`${unknown} says nothing here: want token or slot-id, and object or id`)
  if (!['private', 'public'].includes(type)) throw refuse(`its type is ${type}, want private`)
  if ((token === undefined) === (slotId === undefined)) throw refuse('want one of token and slot-id')
  if (slotId !== undefined && !/^\d{1,20}$/.test(slotId)) throw refuse('slot-id is no number')
  if (object === undefined && !id) throw refuse('want object, id, or both')
  if (modulePath !== undefined && !modulePath.startsWith('/')) throw refuse('module-path is not absolute')
  const pinFile = pinSource?.replace(/^file:(\/\/(?=\/))?/, '')
  if (pinFile !== undefined && !pinFile.startsWith('/')) throw refuse('pin-source is no absolute path of a file')
  return {
    name,
    ...(token === undefined ? {} : { token }),
    ...(slotId === undefined ? {} : { slotId }),
    ...(object === undefined ? {} : { object }),
    ...(id ? { id } : {}),
    ...(modulePath === undefined ? {} : { modulePath }),
    ...(pinFile === undefined ? {} : { pinFile }),
  }
}

function take(attributes: Map<string, Buffer>, name: string): string | undefined {
  const value = attributes.get(name)?.toString('utf8')
  attributes.delete(name)
  return value
}

/** Attributes as bytes, percent-decoded; each at most once, and text without control characters but for `id`. */
function readAttributes(text: string, separator: string, refuse: (reason: string) => Error): Map<string, Buffer> {
  const found = new Map<string, Buffer>()
  if (text === '') return found
  for (const part of text.split(separator)) {
    const [, name, value] = /^([a-z][a-z0-9-]*)=((?:[\x21-\x7e])*)$/.exec(part) ?? []
    if (name === undefined || value === undefined || /%(?![0-9A-Fa-f]{2})/.test(value)) {
      throw refuse('an attribute is not NAME=VALUE with what is special percent-encoded')
    }
    if (found.has(name)) throw refuse(`it has ${name} twice`)
    const bytes = Buffer.from(
      value.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
      'latin1',
    )
    if (name !== 'id' && /[\p{Cc}\ufffd]/u.test(bytes.toString('utf8'))) throw refuse(`${name} is no text of one line`)
    found.set(name, bytes)
  }
  return found
}
