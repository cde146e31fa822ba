import { digestOf } from '#core'
import { openArchive } from '#debian'
import { type BuiltImage, openDefinition, readAbout } from '#image'
import { type ImageConfig, parseConfig } from '#oci'
import { contractLabel, parseContract } from '#sandbox'
import { ESSENTIAL, exceptionKey, judgeImage } from '../test/catalogue-rules.ts'
import { buildInProcess, type CatalogueBuild, type CatalogueImage, catalogueImages } from './parts/catalogue.ts'

/**
 * Every image of the catalogue, for both platforms: no shell, package manager, set-id or world-writable file and no root
 * user in a runtime image; and one rule for user, environment, labels and paths. The rules and the listed exceptions are
 * those of test/catalogue-rules.ts and the images' about files, held here against the files of the images as built from today's archive.
 */
export async function run(only: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const lines: string[] = []
  const faults = [...(await essentialFaults())]
  const needed = new Set<string>()
  for (const image of await catalogueImages(only)) {
    const build = await buildInProcess(image)
    const found = await judgeBuild(image, build)
    faults.push(...found.faults)
    for (const key of found.excepted) needed.add(key)
    lines.push(`${found.faults.length === 0 ? 'ok ' : 'NOT'} ${build.title.padEnd(34)} ${found.summary}`)
  }
  const idle = (await exceptionKeys(only)).filter((key) => !needed.has(key))
  faults.push(...idle.map((key) => `an exception is listed that nothing needs: ${key}`))
  return {
    holds: faults.length === 0 && lines.length > 0,
    lines: [...lines, '', 'exceptions, with their reasons:', ...[...needed].sort().map((key) => `  ${key}`), ...faults],
  }
}

/** Every exception that the images list. */
async function exceptionKeys(only: readonly string[]): Promise<readonly string[]> {
  const names = new Set((await catalogueImages(only)).map(({ name }) => name))
  const keys: string[] = []
  for (const name of names) keys.push(...(await readAbout(name)).exceptions.map((one) => exceptionKey(name, one)))
  return keys
}

async function judgeBuild({ name, variant }: CatalogueImage, { built }: Pick<CatalogueBuild, 'built'>) {
  const opened = await openDefinition(name, { workingFolder: process.cwd() })
  const definition = opened.definition.variants.get(variant)
  if (definition === undefined) throw new Error(`cannot judge ${name}: it has no variant ${variant}`)
  const { tree } = built.assembly
  const { exceptions } = await readAbout(name)
  const { faults, excepted } = judgeImage({ definition, tree, exceptions })
  const config = parseConfig(built.image.config.bytes)
  const summary = `${[...tree.entries()].length} paths, user ${config.config.User}, ${built.tags[0]}`
  return {
    faults: [...faults, ...labelFaults(config, built).map((fault) => `${name} ${variant}: ${fault}`)],
    excepted,
    summary,
  }
}

/** The labels that people and tools go by are there, and the contract is the same as label, in the config and as file. */
function labelFaults({ config }: ImageConfig, built: BuiltImage): readonly string[] {
  const labels = config.Labels ?? {}
  const wanted = ['title', 'description', 'version', 'created'].map((name) => `org.opencontainers.image.${name}`)
  const missing = [...wanted, contractLabel, 'dev.casemate.image', 'dev.casemate.variant'].filter(
    (name) => !labels[name],
  )
  const contract = parseContract(labels[contractLabel] ?? '')
  const file = built.assembly.tree.get('/usr/share/casemate/contract.json')
  const isSame = file?.type === 'file' && file.digest === digestOf(Buffer.from(`${labels[contractLabel]}\n`))
  return [
    ...missing.map((name) => `label ${name} is missing`),
    ...(isSame ? [] : ['the contract is another one as file than as label']),
    ...(config.User === `${contract.user.uid}:${contract.user.gid}` ? [] : [`the user is ${config.User}`]),
    ...(config.WorkingDir === contract['work-dir'] ? [] : [`the working directory is ${config.WorkingDir}`]),
    ...(config.StopSignal === contract['stop-signal'] ? [] : [`the signal is ${config.StopSignal}`]),
    ...((config.Entrypoint ?? []).join(' ') === contract.entrypoint.join(' ') ? [] : ['the entrypoint is another one']),
  ]
}

/** What the list of Essential packages lacks of today's Debian 13 and 12, or has too much. */
async function essentialFaults(): Promise<readonly string[]> {
  const found = new Set<string>()
  for (const name of ['debian-13', 'debian-12']) {
    const archive = await openArchive({ archives: [name], architecture: 'amd64' })
    try {
      for (const package_ of archive.universe.names()) {
        if (archive.universe.versions(package_)[0]?.essential === true) found.add(package_)
      }
    } finally {
      archive.close()
    }
  }
  const wanted = new Set(ESSENTIAL)
  return [
    ...[...found].filter((one) => !wanted.has(one)).map((one) => `${one} is Essential, but not in the list`),
    ...[...wanted].filter((one) => !found.has(one)).map((one) => `${one} is in the list, but not Essential`),
  ]
}
