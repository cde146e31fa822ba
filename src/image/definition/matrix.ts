import { nearest } from '#core'
import { ImageError } from '../errors.ts'
import type { Definition } from './definition.ts'

/** What stands in an image's name for the base that it stacks on. */
export const BASE_PLACEHOLDER = '{base}'

/** A reference to a definition, with the base that is chosen of one that stacks on several: `./corporate#python`. */
export interface MemberReference {
  readonly reference: string
  readonly member: string | undefined
}

/** Takes a reference apart. What follows a `#` is a base's name only where it can be one. */
export function parseMemberReference(text: string): MemberReference {
  const [, reference = text, member] = /^(.+)#([A-Za-z0-9][A-Za-z0-9._-]*)$/.exec(text) ?? []
  return { reference, member }
}

/** The bases that a definition stacks on, by the name that each image gets of its own: the last part of the reference. */
export function basesOf({ bases }: Definition): ReadonlyMap<string, string> {
  return new Map(bases.map((base) => [nameOfBase(base), base]))
}

/** Gives what is wrong with a list of bases, for a definition that makes images of this name; `undefined` when nothing is. */
export function basesFault(bases: readonly string[], image: string): string | undefined {
  const names = bases.map(nameOfBase)
  const twin = names.find((name, index) => names.indexOf(name) !== index)
  if (twin !== undefined) return `two bases have the name ${twin}, and each names an image`
  const odd = names.findIndex((name) => parseMemberReference(`x#${name}`).member !== name)
  if (odd >= 0) return `${bases[odd]} has no name that an image could have`
  return image.includes(BASE_PLACEHOLDER)
    ? undefined
    : `the bases make ${bases.length} images: want ${BASE_PLACEHOLDER} in the name of \`image\``
}

/**
 * The definition of one image, of one that stacks on several bases. Throws `DEFINITION_INVALID` where `member` is none of its
 * bases, and where it has none or several and `member` does not choose. `file` is where it was read from.
 */
export function memberOf(definition: Definition, member: string | undefined, file: string): Definition {
  const refuse = (reason: string) => new ImageError('DEFINITION_INVALID', `cannot use definition ${file}: ${reason}`)
  const bases = basesOf(definition)
  if (bases.size === 0) {
    if (member === undefined) return definition
    throw refuse(`it makes one image, so there is no ${member} to choose`)
  }
  const names = [...bases.keys()].join(', ')
  if (member === undefined) throw refuse(`it makes an image on each of ${names}: choose one by #NAME behind its path`)
  const from = bases.get(member)
  if (from === undefined) {
    const near = nearest(member, [...bases.keys()])
    throw refuse(`it has no base ${member}: ${near === undefined ? `want one of ${names}` : `did you mean ${near}?`}`)
  }
  const image = definition.image.replaceAll(BASE_PLACEHOLDER, member.toLowerCase())
  return { ...definition, image, from, bases: [] }
}

function nameOfBase(reference: string): string {
  const { reference: path, member } = parseMemberReference(reference)
  const parts = path.replace(/\/+$/, '').split('/')
  const [folder, file = ''] = parts.slice(-2).length === 2 ? parts.slice(-2) : ['', parts.at(-1)]
  const name = file === 'casemate.yaml' ? folder : file.replace(/\.ya?ml$/, '')
  return member ?? name ?? ''
}
