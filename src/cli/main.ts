#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

// Loading compiled code instead of compiling it again halves the start of every verb. It is kept with the rest of the
// cache: in the temporary folder, which is Node's default, somebody else could put code of theirs.
const { XDG_CACHE_HOME: xdg } = process.env
enableCompileCache(join(xdg?.startsWith('/') ? xdg : join(homedir(), '.cache'), 'casemate', 'code'))
// Who reads our lines may have read enough, as `head` does; that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})
const { runCommandLine } = await import('./command-line.ts')
process.exitCode = await runCommandLine(process.argv.slice(2))
