import { startPostgres } from '#store'

/** A process that starts a database, says so, and is then killed by whoever started it. */
await startPostgres(JSON.parse(process.argv[2] ?? '{}'))
console.log('started')
setInterval(() => undefined, 1000)
