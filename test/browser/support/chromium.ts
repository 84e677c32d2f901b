import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chromium } from 'playwright-core'
import type { Page } from 'playwright-core'

/** Where Chromium is: `CHROMIUM`, or where Debian puts it. */
export const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

/** Why nothing can be run in a browser here; `undefined` where it can. */
export const NO_CHROMIUM = existsSync(CHROMIUM)
  ? undefined
  : `no Chromium at ${CHROMIUM}; install it (apt-get install chromium) or say where it is in CHROMIUM`

const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--no-proxy-server',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]

/** Chromium with one empty page on a loopback origin, which is a secure context. */
export interface BrowserPage {
  readonly page: Page
  /** What nobody caught in the page. */
  readonly uncaught: readonly Error[]
  /** WebSockets of the page that are open. */
  readonly openSockets: () => number
  /** Ends the browser and the server of its page. */
  close(): Promise<void>
}

/** Opens Chromium on the page `/` of an origin that serves `files` by path. */
export async function openBrowser(files: Readonly<Record<string, string>>): Promise<BrowserPage> {
  const server = createServer(({ url = '' }, response) => {
    const type = url.endsWith('.js') ? 'text/javascript' : 'text/html'
    response.writeHead(url in files ? 200 : 404, { 'content-type': type }).end(files[url])
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: ARGS })
  const page = await browser.newPage()
  const uncaught: Error[] = []
  const sockets = new Set<unknown>()
  page.on('pageerror', error => uncaught.push(error))
  page.on('websocket', socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  return {
    page,
    uncaught,
    openSockets: () => sockets.size,
    async close() {
      await browser.close()
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }
}
