/**
 * A client in a process of its own, for tests that kill it: opens the archive whose options stand in the first
 * argument as JSON and fetches all its packages. Writes `started`, then `done`.
 */
import { fetchPackages, type OpenArchiveOptions, openArchive } from '#debian'

const argument = process.argv[2]
if (argument === undefined) throw new Error('cannot run archive client: no options')
const options: OpenArchiveOptions = JSON.parse(argument)
process.stdout.write('started\n')
const { universe, observed, close } = await openArchive(options)
const files = [...universe.names()].flatMap((name) => universe.versions(name))
close()
await fetchPackages(files, { ...options, observed })
process.stdout.write('done\n')
