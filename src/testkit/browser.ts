import { type Browser, chromium } from 'playwright-core'

/** Debian's Chromium, without what it would look for in the network by itself. */
export async function testBrowser(t: { after(end: () => unknown): void }): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      // Its sandbox does not work for root, and the pages are ours.
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ],
  })
  t.after(() => browser.close())
  return browser
}
