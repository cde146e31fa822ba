import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '#core'
import { defaultCacheFolder, openArchive } from '#debian'
import { sandboxes } from '#sandbox'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { formatTable, type Terminal } from './terminal.ts'

/** One thing that was looked at. A thing is needed when images cannot be built without it. */
interface Finding {
  readonly name: string
  readonly isGood: boolean
  readonly isNeeded: boolean
  /** What was found, or what to do. */
  readonly detail: string
}

/** Looks at this machine; the status is "no" when something is missing that building needs. */
export async function runDoctor(options: { json?: boolean }, terminal: Terminal): Promise<ExitStatus> {
  terminal.progress('looking around …')
  const findings = [
    nodeFinding(),
    await cacheFinding(),
    await archiveFinding(),
    ...(await sandboxFindings()),
    ...(await toolFindings()),
  ]
  if (options.json === true) terminal.print(JSON.stringify(findings, null, 2))
  else {
    const rows = findings.map(({ name, isGood, isNeeded, detail }) => [
      isGood ? 'ok' : isNeeded ? 'MISSING' : 'absent',
      name,
      detail,
    ])
    for (const line of formatTable(rows, { width: terminal.width })) terminal.print(line)
  }
  return findings.every(({ isGood, isNeeded }) => isGood || !isNeeded) ? exitStatus.done : exitStatus.no
}

function nodeFinding(): Finding {
  return { name: 'node', isGood: true, isNeeded: true, detail: process.version }
}

async function cacheFinding(): Promise<Finding> {
  const folder = defaultCacheFolder()
  const probe = join(folder, `.doctor.${process.pid}`)
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(probe, '')
    await rm(probe)
    return { name: 'cache', isGood: true, isNeeded: true, detail: folder }
  } catch (error) {
    return { name: 'cache', isGood: false, isNeeded: true, detail: `${folder}: ${messageOf(error)}` }
  }
}

async function archiveFinding(): Promise<Finding> {
  try {
    const archive = await openArchive({ archives: ['debian-13'], architecture: 'amd64' })
    archive.close()
    const detail = archive.observed.map(({ suite, date }) => `${suite} of ${date.slice(0, 10)}`).join(', ')
    return { name: 'debian-13', isGood: true, isNeeded: true, detail: [detail, ...archive.notices].join('; ') }
  } catch (error) {
    return { name: 'debian-13', isGood: false, isNeeded: true, detail: messageOf(error) }
  }
}

async function sandboxFindings(): Promise<Finding[]> {
  return Promise.all(
    sandboxes.map(async (sandbox) => {
      const reason = await sandbox.unavailable()
      const detail = reason ?? 'runs the tests of images'
      return { name: sandbox.name, isGood: reason === undefined, isNeeded: false, detail }
    }),
  )
}

/** Programs that make some things faster or possible, and that no build needs. */
const tools: readonly (readonly [string, string])[] = [
  ['xz', 'decodes packages faster (--xz), after a check that it gives the same bytes'],
  ['docker', 'build --load'],
]

async function toolFindings(): Promise<Finding[]> {
  return Promise.all(
    tools.map(async ([name, use]) => {
      const isGood = await promisify(execFile)(name, ['--version']).then(
        () => true,
        () => false,
      )
      return { name, isGood, isNeeded: false, detail: use }
    }),
  )
}
