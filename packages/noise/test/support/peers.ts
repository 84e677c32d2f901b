import { noise as chainsafeNoise } from '@chainsafe/libp2p-noise'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type {
  ConnectionEncrypter,
  KeyType,
  PeerId,
  PrivateKey,
  StreamMuxerFactory,
  Upgrader
} from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { noise as libp2pNoise } from '@libp2p/noise'
import { peerIdOf } from '../../src/handshake/claimed-identity.ts'
import { noise, type NoiseOptions } from '../../src/index.ts'

/** Whose encrypter a test peer uses. */
export type Maker = 'ours' | '@chainsafe/libp2p-noise' | '@libp2p/noise'

/** A peer with an identity and an encrypter. */
export interface TestPeer {
  readonly encrypter: ConnectionEncrypter
  readonly privateKey: PrivateKey
  readonly peerId: PeerId
}

/** What a test peer may have besides the defaults. */
export interface PeerInit {
  readonly maker?: Maker
  readonly keyType?: KeyType
  readonly privateKey?: PrivateKey
  readonly options?: NoiseOptions
  /** Protocols of its muxers, in order. */
  readonly muxers?: readonly string[]
}

/** A peer for a test; ours with an Ed25519 key unless told otherwise. */
export async function testPeer(init: PeerInit = {}): Promise<TestPeer> {
  const { maker = 'ours', options = {} } = init
  const privateKey = init.privateKey ?? (await keyOf(init.keyType ?? 'Ed25519'))
  const peerId = peerIdOf(privateKey.publicKey)
  const muxers = new Map(
    (init.muxers ?? []).map(protocol => [protocol, { protocol } as StreamMuxerFactory])
  )
  const components = {
    peerId,
    privateKey,
    logger: defaultLogger(),
    upgrader: { getStreamMuxers: () => muxers } as unknown as Upgrader
  }
  const stock = options.prologue === undefined ? {} : { prologueBytes: options.prologue }
  switch (maker) {
    case 'ours':
      return { privateKey, peerId, encrypter: noise(options)(components) }
    case '@chainsafe/libp2p-noise':
      return { privateKey, peerId, encrypter: chainsafeNoise(stock)(components) }
    case '@libp2p/noise':
      return { privateKey, peerId, encrypter: libp2pNoise(stock)(components) }
  }
}

async function keyOf(type: KeyType): Promise<PrivateKey> {
  switch (type) {
    case 'RSA':
      return generateKeyPair('RSA', 2048)
    case 'ECDSA':
      return generateKeyPair('ECDSA')
    case 'secp256k1':
      return generateKeyPair('secp256k1')
    case 'Ed25519':
      return generateKeyPair('Ed25519')
  }
}
