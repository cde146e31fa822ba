import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Webhook } from 'standardwebhooks'

/** Milliseconds that anything may take at most before it counts as never done. */
const PATIENCE = 900_000

/** What a webhook was told, when, and whether its signature is right. */
export interface Heard {
  readonly id: string
  readonly at: number
  readonly isSigned: boolean
  readonly type: string
  readonly subject: string | undefined
  readonly data: {
    readonly title?: string
    readonly alarm?: string
    readonly changelog?: { readonly from?: { readonly digest: string }; readonly to: { readonly digest: string } }
  }
}

/** A webhook on loopback that verifies Standard Webhooks signatures by their own library and takes all that it is told. */
export async function listenForWebhooks(
  secret: string,
  ends: (() => Promise<void>)[],
): Promise<{ readonly url: string; readonly heard: Heard[] }> {
  const heard: Heard[] = []
  const library = new Webhook(secret)
  const server = createServer(async (request, response) => {
    const chunks: string[] = await request.setEncoding('utf8').toArray()
    const body = chunks.join('')
    const header = (name: string) => String(request.headers[name] ?? '')
    const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature']
    let isSigned = true
    try {
      library.verify(body, Object.fromEntries(names.map((name) => [name, header(name)])))
    } catch {
      isSigned = false
    }
    const { type, subject, data }: Pick<Heard, 'type' | 'subject' | 'data'> = JSON.parse(body)
    const id = header('webhook-id')
    if (!heard.some((one) => one.id === id)) heard.push({ id, at: Date.now(), isSigned, type, subject, data })
    response.writeHead(204).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ends.unshift(async () => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the webhook does not listen')
  return { url: `http://127.0.0.1:${address.port}/hook`, heard }
}

/** A run as the API shows it. */
export interface ShownRun {
  readonly id: number
  readonly started: string
  readonly done: number
  readonly failed: number
  readonly ended: string | null
}

/** An event as the API shows it. */
export interface ShownEvent {
  readonly id: number
  readonly kind: string
  readonly subject: string
  readonly seen: string
}

/** A finding with its clock as the API shows it. */
export interface ShownFinding {
  readonly finding: string
  readonly open: boolean
  readonly marks: Readonly<Record<string, string>>
}

/** `casemate up` as a process. */
export class RunningFactory {
  readonly #child: ChildProcess
  readonly #ended: Promise<number | null>
  readonly started = performance.now()
  address = ''
  /** An administrator's; shown at the first start only. */
  token = ''
  output = ''

  constructor(
    [program = '', ...args]: readonly string[],
    options: {
      readonly cwd: string
      readonly env: NodeJS.ProcessEnv
      readonly address?: string
      readonly token?: string
    },
  ) {
    this.address = options.address ?? ''
    this.token = options.token ?? ''
    this.#child = spawn(program, args, { cwd: options.cwd, env: options.env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#ended = once(this.#child, 'close').then(([status]) => status)
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
      })
  }

  /** Waits until it has said where it is and, at its first start, the token. */
  async introduced(): Promise<void> {
    await this.until('its address', async () => /images +podman pull/.test(this.output))
    this.address = /status +http:\/\/(\S+?)\//.exec(this.output)?.[1] ?? this.address
    await sleep(200)
    this.token = /token +(\S+)/.exec(this.output)?.[1] ?? this.token
  }

  /** Milliseconds from its start until it says that it is ready; the address has to be known. */
  async ready(): Promise<number> {
    await this.until('readiness', async () => {
      const answer = await fetch(`http://${this.address}/readyz`).catch(() => undefined)
      await answer?.arrayBuffer()
      return answer?.status === 200
    })
    return performance.now() - this.started
  }

  /** Waits until something is so. Rejects, with all that was printed, where it never is. */
  async until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    for (const end = Date.now() + PATIENCE; Date.now() < end; await sleep(50)) {
      if (await isSo()) return
      if (this.#child.exitCode !== null) break
    }
    throw new Error(`the factory never came to ${what}:\n${this.output}`)
  }

  runs(): Promise<readonly ShownRun[]> {
    return this.#items('runs')
  }

  /** The images of a run that failed, with why. */
  async failures(run: number): Promise<readonly string[]> {
    const images = await this.#items<{ image: string; state: string; reason: string | null }>(`runs/${run}/images`)
    return images.flatMap(({ image, state, reason }) => (state === 'failed' ? [`${image}: ${reason}`] : []))
  }

  events(): Promise<readonly ShownEvent[]> {
    return this.#items('events')
  }

  findings(image: string): Promise<readonly ShownFinding[]> {
    return this.#items(`images/${encodeURIComponent(image)}/findings?all=true`)
  }

  async warnings(): Promise<readonly string[]> {
    const { items }: { readonly items: readonly string[] } = JSON.parse(await this.#read('warnings'))
    return items
  }

  /** How many releases there were. */
  async releases(): Promise<number> {
    return (await this.#items('releases')).length
  }

  /** The digest that a tag names. */
  async digestOf(image: string, tag: string): Promise<string> {
    const accept = 'application/vnd.oci.image.index.v1+json'
    const url = `http://${this.address}/v2/${image}/manifests/${tag}`
    const answer = await fetch(url, { method: 'HEAD', headers: { accept } })
    return answer.headers.get('docker-content-digest') ?? ''
  }

  /** Says that something has changed; gives the status. */
  notice(subject: string): Promise<number> {
    return this.#post('notices', { subject })
  }

  /** Asks for a rebuild; gives the status. */
  ask(image: string, reason: string): Promise<number> {
    return this.#post(`images/${encodeURIComponent(image)}/rebuild`, { reason })
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.#child.kill(signal)
    return await this.#ended
  }

  async #post(path: string, body: object): Promise<number> {
    const headers = {
      authorization: `Bearer ${this.token}`,
      'content-type': 'application/json',
      'idempotency-key': 'once',
    }
    const url = `http://${this.address}/api/v1/${path}`
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
    await answer.arrayBuffer()
    return answer.status
  }

  /** All pages of a list. */
  async #items<Item>(path: string): Promise<readonly Item[]> {
    const items: Item[] = []
    for (let cursor: string | null | undefined = ''; typeof cursor === 'string'; ) {
      const more = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const url = `${path}${path.includes('?') ? '&' : '?'}limit=1000${more}`
      const page: { readonly items: readonly Item[]; readonly next?: string | null } = JSON.parse(await this.#read(url))
      items.push(...page.items)
      cursor = page.next
    }
    return items
  }

  async #read(path: string): Promise<string> {
    const url = `http://${this.address}/api/v1/${path}`
    const answer = await fetch(url, { headers: { authorization: `Bearer ${this.token}` } })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`cannot read ${path}: status ${answer.status}: ${text}`)
    return text
  }
}
