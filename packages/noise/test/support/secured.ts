import type { MessageStream, SecureConnectionOptions, SecuredConnection } from '@libp2p/interface'
import type { TestPeer } from './peers.ts'
import { wire, type WireEnd } from './wire.ts'

/** Two peers with a Noise connection between them. */
export interface SecuredPair {
  readonly dialler: SecuredConnection
  readonly listener: SecuredConnection
  readonly diallerWire: WireEnd
  readonly listenerWire: WireEnd
}

/** Lets `dialler` and `listener` shake hands over a fresh wire. */
export async function securedPair(
  dialler: TestPeer,
  listener: TestPeer,
  options: SecureConnectionOptions = {},
  ends: [WireEnd, WireEnd] = wire()
): Promise<SecuredPair> {
  const [diallerWire, listenerWire] = ends
  const [outbound, inbound] = await Promise.all([
    dialler.encrypter.secureOutbound(diallerWire, { remotePeer: listener.peerId, ...options }),
    listener.encrypter.secureInbound(listenerWire, options)
  ])
  return { dialler: outbound, listener: inbound, diallerWire, listenerWire }
}

/** Ends both sides of a pair, so that nothing is left behind. */
export async function closePair(pair: SecuredPair): Promise<void> {
  const gone = (stream: MessageStream): Promise<void> =>
    stream.status === 'open' || stream.status === 'closing'
      ? new Promise(resolve => stream.addEventListener('close', () => resolve()))
      : Promise.resolve()
  const both = Promise.all([gone(pair.dialler.connection), gone(pair.listener.connection)])
  await pair.dialler.connection.close()
  await both
}
