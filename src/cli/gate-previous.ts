import { ACCOUNT_FILES, compareVersions } from '#debian'
import { type OpenedImage, openImage, parsePlatform, parseReference, readImageFiles } from '#oci'
import type { ConfiguredImage, Established, FactRecord } from '#policy'
import { type Contract, contractChanges, effectiveContract, parseImageConfig, resolveAccount } from '#sandbox'
import { establish } from './establish.ts'

const VERSION = 'org.opencontainers.image.version'

/**
 * Holds an image's contract against that of the release before it, where one is named. A version is higher as Debian
 * orders versions. What cannot be read makes the fact unknown.
 */
export async function compareWithPrevious(
  { account, image }: { readonly account: ConfiguredImage; readonly image: OpenedImage },
  { previous, platform }: { readonly previous?: string; readonly platform: string },
): Promise<Established<FactRecord<'Previous'>>> {
  if (previous === undefined) return { known: true, value: { asked: false, changes: [], raised: false } }
  return establish(async () => {
    const before = await openImage(parseReference(previous), { platform: parsePlatform(platform) })
    try {
      const changes = contractChanges(contractOf(await accountOf(before)), contractOf(account))
      const [from, to] = [before, image].map(({ config }) => config.config.Labels?.[VERSION] ?? '')
      return {
        asked: true,
        changes: changes.map(({ key, name, from: old, to: now }) => {
          return `${key}${name === '' ? '' : ` ${name}`}: ${shown(old)} before, ${shown(now)} now`
        }),
        raised: from !== undefined && to !== undefined && from !== '' && to !== '' && compareVersions(to, from) > 0,
      }
    } finally {
      await before.close()
    }
  })
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
