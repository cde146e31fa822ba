import { ACCOUNT_FILES, compareVersions } from '#debian'
import { type OpenedImage, openImage, parsePlatform, parseReference, readImageFiles } from '#oci'
import type { ConfiguredImage, Established, FactRecord } from '#policy'
import { type Contract, contractChanges, effectiveContract, parseImageConfig, resolveAccount } from '#sandbox'
import { establish } from './establish.ts'

const VERSION = 'org.opencontainers.image.version'

/** What an image has promised, with the version that it bears. */
export interface PromisedContract {
  readonly contract: Contract
  readonly version: string
}

/** What an image promises. Throws as reading its config does. */
export function promisedBy(account: ConfiguredImage): PromisedContract {
  return { contract: contractOf(account), version: account.config.config.Labels?.[VERSION] ?? '' }
}

/**
 * Holds an image's contract against that of the release before it, where one is named. A version is higher as Debian
 * orders versions. What cannot be read makes the fact unknown.
 */
export async function compareWithPrevious(
  account: ConfiguredImage,
  { previous, promised, platform }: ComparedRelease,
): Promise<Established<FactRecord<'Previous'>>> {
  if (previous === undefined) return { known: true, value: { asked: false, changes: [], raised: false } }
  return establish(async () => {
    const before = promised ?? (await readPromised(previous, platform))
    const now = promisedBy(account)
    const changes = contractChanges(before.contract, now.contract)
    const [from, to] = [before.version, now.version]
    return {
      asked: true,
      changes: changes.map(({ key, name, from: old, to: next }) => {
        return `${key}${name === '' ? '' : ` ${name}`}: ${shown(old)} before, ${shown(next)} now`
      }),
      raised: from !== '' && to !== '' && compareVersions(to, from) > 0,
    }
  })
}

/** The release before, and what is on record of it. */
interface ComparedRelease {
  readonly previous?: string
  readonly promised?: PromisedContract
  readonly platform: string
}

async function readPromised(reference: string, platform: string): Promise<PromisedContract> {
  const image = await openImage(parseReference(reference), { platform: parsePlatform(platform) })
  try {
    return promisedBy(await accountOf(image))
  } finally {
    await image.close()
  }
}

async function accountOf({ config, configDocument, layers }: OpenedImage): Promise<ConfiguredImage> {
  const paths: readonly string[] = Object.values(ACCOUNT_FILES)
  const files = await readImageFiles(layers, { wants: ({ path }) => paths.includes(path) })
  const textOf = (path: string) => Buffer.from(files.read(path) ?? []).toString('utf8')
  return {
    config,
    bytes: configDocument.bytes,
    passwd: textOf(ACCOUNT_FILES.passwd),
    group: textOf(ACCOUNT_FILES.group),
  }
}

function contractOf({ bytes, passwd, group }: ConfiguredImage): Contract {
  const config = parseImageConfig(JSON.parse(Buffer.from(bytes).toString('utf8')))
  const { name, uid, gid } = resolveAccount(config.config?.User ?? '', { passwd, group })
  return effectiveContract(config, { ...(name && { name }), uid, gid })
}

function shown(value: string | readonly string[] | undefined): string {
  if (value === undefined) return 'nothing'
  return typeof value === 'string' ? `"${value}"` : JSON.stringify(value)
}
