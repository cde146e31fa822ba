import { identityTrust, keyTrust, parsePublicKey, type Trust } from '#attest'
import { type AllowedBase, type AllowList, type BaseName, judgeBase, parseAllowList, parseBaseName } from '#bases'
import { collectEvidence, judgeEvidence, refusals } from '#evidence'
import { ANNOTATIONS, formatPlatform, type OpenedImage, parseReference } from '#oci'
import type { Established, FactRecord } from '#policy'
import { recogniseBase, statedBase } from '#rebase'
import { candidateOf, type OpenedCandidate, openCandidates, statementsOf } from './base-candidates.ts'
import { ImagePlaces, type NamedImage } from './base-images.ts'
import { UsageError } from './errors.ts'
import { establish } from './establish.ts'
import { type TrustOptions, trustedRootOf } from './evidence-trust.ts'
import { recognitionText } from './image-origins.ts'
import { findSubjects } from './image-subjects.ts'
import { readUpTo } from './read-up-to.ts'

/** Bytes of an allow-list. */
const LARGEST_LIST = 2 ** 21

/** By what it is judged what an image was built on. */
export interface GateBaseOptions extends Pick<TrustOptions, 'trustedRoot'> {
  /** A file of what may be built on. */
  readonly allow?: string
  /** Images that it may be built on, wherever they lie. */
  readonly base?: readonly string[]
}

type BaseFact = Established<FactRecord<'Base'>>
type Said = Pick<FactRecord<'Base'>, 'name' | 'digest' | 'by'>

/**
 * What an image was built on, and what the allow-list says of that: by its layers, which have to begin with the base's, and only where
 * no list is asked by what annotations or labels say. `isOwn` is an image of our own making, of packages alone, which has no base. Where
 * an entry names a signer, the base's signature is verified. Rejects with `ALLOW_LIST_INVALID` and `USAGE_INVALID`; a registry that does
 * not answer makes the fact unknown.
 */
export async function collectBaseFacts(named: NamedImage, isOwn: boolean, options: GateBaseOptions): Promise<BaseFact> {
  const said = isOwn ? { name: '', digest: '', by: 'definition' } : saidBase(named.image)
  if (options.allow === undefined) return { known: true, value: { asked: false, ...said, refusals: [] } }
  const list = parseAllowList((await readUpTo(options.allow, LARGEST_LIST)).toString('utf8'), options.allow)
  if (isOwn) return refusing(said, [])
  const places = new ImagePlaces()
  try {
    const found = await establish(() => judgeStanding(places, { named, said, list }, options))
    return found.known ? found.value : found
  } finally {
    await places.close()
  }
}

function refusing(said: Said, refusals: readonly string[]): BaseFact {
  return { known: true, value: { asked: true, ...said, refusals } }
}

interface Standing {
  readonly named: NamedImage
  readonly said: Said
  readonly list: AllowList
}

/** Judges what an image stands on: a base that was given, if its layers are that one's, else what the image says, if that is proven. */
async function judgeStanding(
  places: ImagePlaces,
  { named, said, list }: Standing,
  options: GateBaseOptions,
): Promise<BaseFact> {
  const { image } = named
  const given = recogniseBase(statementsOf(image), await openCandidates(places, named, options.base ?? []))
  const nearest = given.kind === 'proven' ? given.bases.at(-1)?.base : undefined
  const on: Said = nearest === undefined ? said : provenBase(nearest, said)
  if (on.name === '') return refusing(on, [nearest === undefined ? unsaid(given) : unnamed(nearest)])
  const name = parseBaseName(on.digest === '' || on.name.includes('@') ? on.name : `${on.name}@${on.digest}`)
  if (name === undefined) return refusing(on, [`what it was built on is no reference: ${on.name}`])
  const verdict = judgeBase(list, name, new Date().toISOString().slice(0, 10))
  if (verdict.kind === 'refused') return refusing(on, [verdict.reason])
  // The allow-list names this registry: the image has not sent us anywhere else.
  const fault = nearest === undefined ? await unproven(places, named, name) : undefined
  if (fault !== undefined) return refusing(on, [fault])
  const proven = { ...on, by: 'layers' }
  if (verdict.by.signer === undefined) return refusing(proven, [])
  if (name.digest === undefined) {
    return refusing(proven, [`${on.name} has to be signed, and nothing says its digest (${ANNOTATIONS.baseDigest})`])
  }
  return refusing(proven, await refusalsOf(name, await trustIn(verdict.by, options)))
}

/** A base whose layers the image has: by its own reference, or by the name that the image gives to its digest. */
function provenBase({ name, digest, digests }: OpenedCandidate, said: Said): Said {
  const isSaid = digests.some((one) => one === said.digest)
  if (isSaid && said.name !== '') return { ...said, by: 'layers' }
  const reference = parseReference(name)
  if (reference.transport !== 'docker') return { name: '', digest, by: 'layers' }
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`
  return { name: `${reference.registry}/${reference.repository}${tag}`, digest, by: 'layers' }
}

function unsaid(given: Parameters<typeof recognitionText>[0]): string {
  const near = given.kind === 'unknown' && given.nearest === undefined ? '' : `; ${recognitionText(given)}`
  return `nothing says what it was built on: no annotation or label ${ANNOTATIONS.baseName}, and no --base has its layers${near}`
}

function unnamed({ name, digest }: OpenedCandidate): string {
  return `it is built on ${name} (${digest}), and nothing says by which name the allow-list knows that`
}

/** Why the layers do not prove that an image is built on what it says. */
async function unproven(places: ImagePlaces, named: NamedImage, name: BaseName): Promise<string | undefined> {
  const { repository, tag, digest } = name
  const place = `docker://${repository}${digest === undefined ? `:${tag ?? 'latest'}` : `@${digest}`}`
  const { platform } = named.image.config
  const found = await places.openBase(place, platform)
  if (!('image' in found))
    return `it says that it is built on ${place}, which has no image for ${formatPlatform(platform)}`
  const recognition = recogniseBase(statementsOf(named.image), [candidateOf(found)])
  if (recognition.kind === 'proven') return undefined
  return `its layers are not those of ${place}, which it says that it is built on: ${recognitionText(recognition)}`
}

function saidBase(image: OpenedImage): Said {
  const { name = '', digest = '' } = statedBase(statementsOf(image)) ?? {}
  const isAnnotated = image.manifest.annotations?.[ANNOTATIONS.baseName] !== undefined
  return { name, digest, by: name === '' ? '' : isAnnotated ? 'annotation' : 'label' }
}

async function trustIn({ signer, place }: AllowedBase, options: Pick<TrustOptions, 'trustedRoot'>): Promise<Trust> {
  const root = await trustedRootOf(options)
  if (signer?.kind === 'key') return keyTrust([parsePublicKey(signer.pem, place)], root)
  if (signer === undefined || root === undefined) {
    throw new UsageError('USAGE_INVALID', `cannot trust the identity of ${place}: want --trusted-root FILE`)
  }
  return identityTrust(root, [{ name: signer.identity, issuer: signer.issuer }])
}

async function refusalsOf(name: BaseName, trust: Trust): Promise<readonly string[]> {
  const subjects = await findSubjects(`docker://${name.repository}@${name.digest}`)
  try {
    const evidence = await collectEvidence(subjects.repository, subjects.top.digest)
    const judgement = judgeEvidence(evidence, { trust, repositories: [name.repository] })
    return refusals(judgement, { predicateTypes: [] }).map(({ message }) => message)
  } finally {
    await subjects.repository.close()
  }
}
