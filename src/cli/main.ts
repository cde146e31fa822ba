#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

// Loading compiled code instead of compiling it again halves the start of every verb. It is kept with the rest of the
// cache: in the temporary folder, which is Node's default, somebody else could put code of theirs.
const { XDG_CACHE_HOME: xdg } = process.env
enableCompileCache(join(xdg?.startsWith('/') ? xdg : join(homedir(), '.cache'), 'casemate', 'code'))
const { runCommandLine } = await import('./command-line.ts')
process.exitCode = await runCommandLine(process.argv.slice(2))
