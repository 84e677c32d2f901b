/**
 * Shares a web server of one node, and opens it at another by a ticket; then takes the ticket back.
 *
 *     node examples/share-a-port.ts
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createNode } from 'warren'

const server = createServer((request, response) => response.end(`you asked for ${request.url}\n`))
await once(server.listen(0, '127.0.0.1'), 'listening')

// On the first machine. Without `home` everything is in memory and ends with the node.
const sharer = await createNode({ listen: ['/ip4/127.0.0.1/tcp/0'] })
await sharer.share({ name: 'web', target: (server.address() as AddressInfo).port })
const ticket = await sharer.ticket({ channel: 'web', expires: 60 * 60_000 })
console.log(`a ticket for ${ticket.channel}`)
//=> a ticket for web

// On the second one, to which only the text of the ticket was brought.
const opener = await createNode({ listen: [] })
const web = await opener.open({ ticket: ticket.text })
const answer = await fetch(`${web.url}/menu`, { headers: { connection: 'close' } })
console.log((await answer.text()).trim())
//=> you asked for /menu

const [link] = opener.status().links
console.log(`over ${link?.security} and ${link?.muxer}`)
//=> over /noise and /yamux/1.0.0

// A ticket that is taken back ends what stands on it, at once.
const ended = new Promise<Error | undefined>(resolve => {
  opener.on('unlink', (_peer, error) => resolve(error))
})
await sharer.revoke(ticket.id, ticket.expires)
console.log((await ended)?.message)
//=> the ticket was revoked by its sharer

await Promise.all([opener.close(), sharer.close()])
server.close()
