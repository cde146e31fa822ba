import { EnvHttpProxyAgent, fetch } from 'undici'

const PATIENCE = 20_000

/**
 * Tells a network fault from a failure of ours: a URL in the text of an error `FETCH_FAILED` that, asked once more by
 * another client, does not answer either, or with a server's error (5xx). `undefined` when there is none.
 */
export async function unreachableUrl(error: string): Promise<string | undefined> {
  if (!error.includes('[FETCH_FAILED]')) return undefined
  for (const [url] of error.matchAll(/https?:\/\/\S+?(?=[:,;]?(?:\s|$))/g)) {
    if (!(await answers(url))) return url
  }
  return undefined
}

async function answers(url: string): Promise<boolean> {
  const dispatcher = new EnvHttpProxyAgent()
  try {
    const response = await fetch(url, { method: 'HEAD', dispatcher, signal: AbortSignal.timeout(PATIENCE) })
    return response.status < 500
  } catch {
    return false
  } finally {
    await dispatcher.close()
  }
}
