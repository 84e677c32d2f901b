import assert from 'node:assert/strict'
import { autoNAT } from '@libp2p/autonat'
import type { Connection, Stream, StreamHandler } from '@libp2p/interface'
import { tcp as stockTcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { CODE_P2P, multiaddr } from '@multiformats/multiaddr'
import { tcp } from '@warren/transport-tcp'
import { until } from '../support/until.ts'
import {
  BASIC,
  LOOPBACK,
  addressOf,
  addressesOf,
  cleanUp,
  componentsOf,
  hosted,
  stock
} from './support/nodes.ts'
import type { Node } from './support/nodes.ts'
import { onHost, pretendInternet } from './support/pretend-internet.ts'

/*
 * The judge in @libp2p/autonat 3.0 cannot say that an address works: it asks its node to dial the
 * asker, gets the connection that is there already (in js-libp2p as here), takes its address for a
 * wrong one, and closes it before it has answered. So the judges that dial back are written here,
 * on stock nodes, and the service's own judge is seen to refuse.
 */
const PROTOCOL = '/libp2p/autonat/1.0.0'
const services = { ...BASIC, autonat: autoNAT() }

/** Where the node that asks seems to be, and those it asks: each in a network of its own. */
const ASKER = '8.1.1.1'
const JUDGES = Array.from({ length: 8 }, (_, index) => `${20 + index}.1.1.1`)

const addresses = { listen: [LOOPBACK] }
const ours = async (inboundFrom: string) =>
  hosted(services, { transports: [pretendInternet(tcp(), inboundFrom)], addresses })
const theirs = async (inboundFrom: string) =>
  stock(services, { transports: [pretendInternet(stockTcp(), inboundFrom)], addresses })

/** `Message { type: DIAL_RESPONSE, dialResponse: { status } }`, as protobuf. */
const answer = (status: number): Uint8Array => Uint8Array.of(0x08, 1, 0x1a, 2, 0x08, status)
const [OK, E_DIAL_ERROR] = [0, 100]

/** A stock node that judges one address by dialling it, each time anew. */
async function judge(address: Multiaddr): Promise<Node> {
  const transports = [pretendInternet(stockTcp(), ASKER)]
  const node = await stock(BASIC, { transports, addresses })
  await node.handle(PROTOCOL, async (stream: Stream, { remotePeer }: Connection) => {
    const messages = lpStream(stream)
    const request = Buffer.from((await messages.read()).subarray())
    assert.ok(request.includes(Buffer.from(address.bytes)), 'it is asked about this address')
    const target = address.encapsulate(`/p2p/${remotePeer.toString()}`)
    const dialled = await node.dial(target, { force: true }).catch(() => undefined)
    await dialled?.close()
    await messages.write(answer(dialled === undefined ? E_DIAL_ERROR : OK))
    await stream.close()
  })
  return node
}

/** The address under which others might reach a node: its own port, at a public host. */
function observedOf(node: Node): Multiaddr {
  return onHost(addressOf(node), ASKER).decapsulateCode(CODE_P2P)
}

/** What the node thinks of an address: announced or not, or forgotten. */
function verdict(node: Node, address: Multiaddr): boolean | undefined {
  const known = componentsOf(node).addressManager.getAddressesWithMetadata()
  return known.find(each => each.multiaddr.equals(address))?.verified
}

/** Whether a node announces an address. */
function announces(node: Node, address: Multiaddr): boolean {
  return addressesOf(node).some(each => each.toString().startsWith(address.toString()))
}

/** Lets `asker` connect to judges of the address one by one. */
async function askAll(asker: Node, address: Multiaddr, count: number): Promise<void> {
  for (const host of JUDGES.slice(0, count)) {
    await asker.dial(onHost(addressOf(await judge(address)), host))
  }
}

for (const [kind, makeAsker] of [
  ['our swarm', ours],
  ['stock libp2p, to compare', theirs]
] as const) {
  describe(`autonat, hosted on ${kind}`, () => {
    afterEach(cleanUp)

    it('an address that four networks can dial is announced', async () => {
      const asker = await makeAsker('20.9.9.9')
      const address = observedOf(asker)
      componentsOf(asker).addressManager.addObservedAddr(address)
      await askAll(asker, address, 3)
      assert.equal(verdict(asker, address), false)
      assert.equal(announces(asker, address), false)
      await askAll(asker, address, 4)
      await until(() => verdict(asker, address) === true, 'it is confirmed', 5_000)
      assert.equal(announces(asker, address), true)
    })

    it('what peers claim to see displaces no address that was confirmed', async () => {
      const { addressManager } = componentsOf(await makeAsker('20.9.9.9'))
      const kept = multiaddr(`/ip4/${ASKER}/tcp/4001`)
      addressManager.confirmObservedAddr(kept, { type: 'observed' })
      const loopback = multiaddr('/ip4/127.0.0.1/tcp/999')
      addressManager.addObservedAddr(loopback)
      assert.deepEqual(
        addressManager.getObservedAddrs().map(String),
        [String(kept)],
        'no private one'
      )
      for (let port = 1; port <= 500; port++) {
        addressManager.addObservedAddr(multiaddr(`/ip4/9.9.9.9/tcp/${port}`))
      }
      const observed = addressManager.getObservedAddrs().map(String)
      assert.ok(observed.includes(kept.toString()), 'the confirmed one is still there')
      assert.ok(observed.length <= 33, `${observed.length} are kept`)
    })

    it('an address that eight networks cannot dial is forgotten', async () => {
      const asker = await makeAsker('20.9.9.9')
      const address = multiaddr(`/ip4/${ASKER}/tcp/1`)
      componentsOf(asker).addressManager.addObservedAddr(address)
      await askAll(asker, address, 8)
      await until(() => verdict(asker, address) === undefined, 'it is forgotten', 5_000)
      assert.equal(announces(asker, address), false)
    })
  })
}

for (const { title, asker: makeAsker, judge: makeJudge } of [
  { title: 'autonat, hosted: a stock node judges us', asker: ours, judge: theirs },
  { title: 'autonat, hosted: we judge a stock node', asker: theirs, judge: ours }
] as const) {
  describe(title, () => {
    afterEach(cleanUp)

    it('refuses to dial an address at another host than the one that asks', async () => {
      const asker = await makeAsker('20.9.9.9')
      const refuser = await makeJudge('9.9.9.9')
      const address = observedOf(asker)
      componentsOf(asker).addressManager.addObservedAddr(address)
      const { registrar, events } = componentsOf(refuser)
      const { handler, options } = registrar.getHandler(PROTOCOL)
      const answered: string[] = []
      const watch: StreamHandler = (stream, connection) => {
        stream.addEventListener('close', () => answered.push(stream.status))
        return handler(stream, connection)
      }
      await registrar.handle(PROTOCOL, watch, { ...options, force: true })
      const dialled: Connection[] = []
      events.addEventListener('connection:open', ({ detail }) => {
        if (detail.direction === 'outbound') dialled.push(detail)
      })
      await asker.dial(onHost(addressOf(refuser), '20.1.1.1'))
      await until(() => answered.length > 0, 'it has answered', 5_000)
      assert.deepEqual(answered, ['closed'], 'in peace')
      assert.deepEqual(dialled, [])
      assert.equal(verdict(asker, address), false)
    })
  })
}
