import { setTimeout as delay } from 'node:timers/promises'
import { runProgram } from './command.ts'
import { LIMITS, podman, pullImage } from './podman.ts'

/** How an image did at something that people do with it every day. */
export interface Tried {
  readonly good: boolean
  readonly line: string
}

/** nginx with a published port on a read-only root: it answers from outside, and podman stops it in order. */
export async function tryNginx(reference: string): Promise<Tried> {
  const image = await pullImage(reference)
  const options = [
    '--read-only',
    '--read-only-tmpfs=false',
    '--tmpfs=/tmp',
    '--cap-drop=ALL',
    '--publish=127.0.0.1::8080',
  ]
  const container = (await podman(['run', '--detach', ...LIMITS, ...options, image])).trim()
  try {
    const address = (await podman(['port', container, '8080/tcp'])).trim()
    const answer = await answerOf(`http://${address}/`)
    await podman(['stop', '--time', '10', container])
    const status = (await podman(['inspect', '--format', '{{.State.ExitCode}}', container])).trim()
    const log = await podman(['logs', container])
    const good = answer.includes('Welcome to nginx') && status === '0' && log.includes('"GET / HTTP/1.1" 200')
    return { good, line: `nginx under podman with a published port: answers, logs, ends with ${status} by podman stop` }
  } finally {
    await podman(['rm', '--force', container])
    await podman(['rmi', '--force', image])
  }
}

/** debian as `docker run -it` starts it: a shell on a terminal, and its exit code. */
export async function tryTerminal(reference: string): Promise<Tried> {
  const image = await pullImage(reference)
  try {
    const typed = String.raw`printf 'tty\nid -un\nexit 5\n'`
    const command = `podman --runtime=runc run --rm --interactive --tty ${LIMITS.join(' ')} ${image}`
    const { status, stdout } = await runProgram(['sh', '-c', `${typed} | script -qec '${command}' /dev/null`])
    const good = status === 5 && /^\S*\/dev\/pts\/0\r?$/m.test(stdout) && /^\S*root\r?$/m.test(stdout)
    return { good, line: `debian under podman on a terminal: ${good ? 'a shell of root on /dev/pts/0' : stdout}` }
  } finally {
    await podman(['rmi', '--force', image])
  }
}

/** The page at a URL, as soon as there is a server; for at most some seconds. */
async function answerOf(url: string): Promise<string> {
  for (let tries = 1; ; tries++) {
    try {
      return await (await fetch(url)).text()
    } catch (error) {
      if (tries === 100) throw error
      await delay(50)
    }
  }
}
