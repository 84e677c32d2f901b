/**
 * A typed broadcast between three nodes: what one sends reaches the two others, checked by a schema
 * at both ends. The eight lines that matter are those with `node` and `prices`.
 *
 *     node examples/typed-broadcast.ts
 */
import { generateToken } from '@warren/tunnel'
import * as v from 'valibot'
import { createNode } from 'warren'

const Price = v.object({ symbol: v.string(), price: v.number() })
const token = generateToken()
const listen = ['/ip4/127.0.0.1/tcp/0']

// In earnest each of these runs on a machine of its own.
const london = await createNode({ token, listen })
const receive = async (name: string): Promise<void> => {
  await using node = await createNode({ token, listen: [], peers: london.addresses() })
  await using prices = await node.channel('prices', Price, { role: 'receiver' })
  for await (const { symbol, price } of prices) {
    console.log(`${name}: ${symbol} ${price}`)
    if (price === 102) break
  }
}
const receivers = Promise.all([receive('paris'), receive('tokyo')])

const prices = await london.channel('prices', Price, { mode: 'broadcast', role: 'sender' })
await prices.ready({ peers: 2 })
for (const price of [101, 101.5, 102]) await prices.send({ symbol: 'ACME', price })
await receivers
//=> paris: ACME 101
//=> paris: ACME 102

// What is no price does not leave.
await prices
  .send({ symbol: 'ACME', price: 'dear' as unknown as number })
  .catch((error: Error & { code: string }) => console.log(error.code)) //=> ERR_VALUE_INVALID

await london.close()
