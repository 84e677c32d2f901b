import { noise } from '@chainsafe/libp2p-noise'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type {
  ConnectionEncrypter,
  ConnectionGater,
  ConnectionProtector,
  PeerId,
  PrivateKey,
  StreamMuxerFactory,
  Upgrader
} from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { mplex } from '@libp2p/mplex'
import { noise as newNoise } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { createUpgrader } from '../../src/index.ts'
import type { UpgraderComponents, UpgraderInit, WarrenUpgrader } from '../../src/index.ts'
import { TestRegistrar } from './registrar.ts'

/** What libp2p's factories of encrypters and muxers take. */
export interface FactoryComponents {
  readonly peerId: PeerId
  readonly privateKey: PrivateKey
  readonly logger: ReturnType<typeof defaultLogger>
  upgrader: Upgrader
}

type MakeEncrypter = (components: FactoryComponents) => ConnectionEncrypter
type MakeMuxer = (components: FactoryComponents) => StreamMuxerFactory

export const SECURITY: Record<'chainsafe noise' | 'libp2p noise' | 'tls', MakeEncrypter> = {
  'chainsafe noise': noise(),
  'libp2p noise': newNoise(),
  tls: tls()
}

export const MUXERS: Record<'yamux' | 'mplex', MakeMuxer> = {
  yamux: yamux(),
  mplex: mplex({ disconnectThreshold: 1_000 })
}

export interface PeerOptions
  extends Partial<Omit<UpgraderInit, 'connectionEncrypters' | 'streamMuxers'>> {
  readonly keyType?: 'Ed25519' | 'secp256k1' | 'ECDSA' | 'RSA'
  readonly privateKey?: PrivateKey
  readonly encrypters?: readonly MakeEncrypter[]
  readonly muxers?: readonly MakeMuxer[]
  readonly gater?: ConnectionGater
  readonly protector?: ConnectionProtector
  readonly peerStore?: UpgraderComponents['peerStore']
  readonly metrics?: UpgraderComponents['metrics']
}

export interface Peer {
  readonly id: PeerId
  readonly registrar: TestRegistrar
  readonly upgrader: WarrenUpgrader
}

/** One end, made of real parts. */
export async function createPeer(options: PeerOptions = {}): Promise<Peer> {
  const { keyType = 'Ed25519', encrypters, muxers, gater, protector, ...rest } = options
  const privateKey = options.privateKey ?? (await newKey(keyType))
  const registrar = new TestRegistrar()
  const { peerStore, metrics, ...init } = rest
  const parts = {
    peerId: peerIdFromPrivateKey(privateKey),
    privateKey,
    logger: defaultLogger(),
    upgrader: undefined as unknown as Upgrader
  }
  const components: UpgraderComponents = {
    ...parts,
    registrar,
    connectionGater: gater,
    connectionProtector: protector,
    peerStore,
    metrics
  }
  const upgrader = createUpgrader(components, {
    ...init,
    connectionEncrypters: (encrypters ?? [SECURITY['chainsafe noise']]).map(make => make(parts)),
    streamMuxers: (muxers ?? [MUXERS.yamux]).map(make => make(parts))
  })
  parts.upgrader = upgrader
  return { id: parts.peerId, registrar, upgrader }
}

async function newKey(type: NonNullable<PeerOptions['keyType']>): Promise<PrivateKey> {
  switch (type) {
    case 'RSA':
      return generateKeyPair('RSA', 2048)
    case 'Ed25519':
      return generateKeyPair('Ed25519')
    case 'secp256k1':
      return generateKeyPair('secp256k1')
    case 'ECDSA':
      return generateKeyPair('ECDSA')
  }
}
