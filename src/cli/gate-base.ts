import { identityTrust, keyTrust, parsePublicKey, type Trust } from '#attest'
import { type AllowedBase, type BaseName, judgeBase, parseAllowList, parseBaseName } from '#bases'
import { collectEvidence, judgeEvidence, refusals } from '#evidence'
import type { OpenedImage } from '#oci'
import type { Established, FactRecord } from '#policy'
import { UsageError } from './errors.ts'
import { establish } from './establish.ts'
import { type TrustOptions, trustedRootOf } from './evidence-trust.ts'
import { findSubjects } from './image-subjects.ts'
import { readUpTo } from './read-up-to.ts'

const NAME = 'org.opencontainers.image.base.name'
const DIGEST = 'org.opencontainers.image.base.digest'
/** Bytes of an allow-list. */
const LARGEST_LIST = 2 ** 21

/**
 * What an image was built on, as its annotations or else its labels say, and what the allow-list says of that. `isOwn` is an image
 * of our own making, of packages alone, which has no base. Where an entry names a signer, the base's signature is verified. Rejects
 * with `ALLOW_LIST_INVALID` and `USAGE_INVALID`; a registry that does not answer makes the fact unknown.
 */
export async function collectBaseFacts(
  image: OpenedImage,
  isOwn: boolean,
  options: { readonly allow?: string } & Pick<TrustOptions, 'trustedRoot'>,
): Promise<Established<FactRecord<'Base'>>> {
  const base = isOwn ? { name: '', digest: '', by: 'definition' } : statedBase(image)
  if (options.allow === undefined) return { known: true, value: { asked: false, ...base, refusals: [] } }
  const list = parseAllowList((await readUpTo(options.allow, LARGEST_LIST)).toString('utf8'), options.allow)
  const asked = (refused: readonly string[]) =>
    ({ known: true, value: { asked: true, ...base, refusals: refused } }) as const
  if (isOwn) return asked([])
  if (base.name === '') return asked([`nothing says what it was built on: no annotation or label ${NAME}`])
  const name = parseBaseName(base.digest === '' || base.name.includes('@') ? base.name : `${base.name}@${base.digest}`)
  if (name === undefined) return asked([`what it was built on is no reference: ${base.name}`])
  const verdict = judgeBase(list, name, new Date().toISOString().slice(0, 10))
  if (verdict.kind === 'refused') return asked([verdict.reason])
  const { signer } = verdict.by
  if (signer === undefined) return asked([])
  if (name.digest === undefined)
    return asked([`${base.name} has to be signed, and nothing says its digest (${DIGEST})`])
  const trust = await trustIn(verdict.by, options)
  const refused = await establish(() => refusalsOf(name, trust))
  return refused.known ? asked(refused.value) : refused
}

function statedBase({ manifest, config }: OpenedImage) {
  const [annotations, labels] = [manifest.annotations ?? {}, config.config.Labels ?? {}]
  const [stated, by] = annotations[NAME] === undefined ? [labels, 'label'] : [annotations, 'annotation']
  const name = stated[NAME] ?? ''
  return { name, digest: stated[DIGEST] ?? '', by: name === '' ? '' : by }
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
