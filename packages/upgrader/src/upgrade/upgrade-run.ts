import type {
  ConnectionGater,
  MessageStream,
  MultiaddrConnection,
  PeerId,
  SecuredConnection,
  StreamMuxerFactory
} from '@libp2p/interface'
import type { AccountingMuxerFactory } from '@warren/interface'
import { waitFor } from '@warren/utils'
import { CapableConnection } from '../connection.ts'
import {
  ConnectionEndedError,
  ConnectionGatedError,
  PeerMismatchError,
  SelfConnectionError
} from '../errors.ts'
import type { UpgradeStep } from '../errors.ts'
import { answerProtocol } from '../multistream/answer-protocol.ts'
import { selectProtocol } from '../multistream/select-protocol.ts'
import { refusePlaintext } from '../psk/refuse-plaintext.ts'
import { mayChooseMuxerEarly } from './early-muxers.ts'
import { expectedPeer } from './expected-peer.ts'
import type { UpgradeContext, UpgradeOptions, UpgradeRole } from './upgrade-context.ts'

/** A secured conn and the name of what secured it. */
interface Secured extends SecuredConnection {
  readonly protocol: string
}

type GaterHook = Exclude<
  keyof ConnectionGater,
  'denyDialPeer' | 'denyDialMultiaddr' | 'filterMultiaddrForPeer'
>

/**
 * One upgrade: gater, pre-shared key, security, identity, gater, muxer, gater. Throws what failed;
 * `step` says where. Whoever runs it aborts the conn then (see {@link upgrade}).
 */
export class UpgradeRun {
  readonly #context: UpgradeContext
  readonly #maConn: MultiaddrConnection
  readonly #role: UpgradeRole
  readonly #options: UpgradeOptions
  readonly #signal: AbortSignal
  #step: UpgradeStep = 'gater'
  #connection: CapableConnection | undefined

  constructor(
    context: UpgradeContext,
    maConn: MultiaddrConnection,
    role: UpgradeRole,
    options: UpgradeOptions,
    signal: AbortSignal
  ) {
    this.#context = context
    this.#maConn = maConn
    this.#role = role
    this.#options = options
    this.#signal = signal
  }

  /** The step that it is in, or that failed. */
  get step(): UpgradeStep {
    return this.#step
  }

  /** The connection, once its muxer runs; on a failure afterwards it is to be aborted. */
  get connection(): CapableConnection | undefined {
    return this.#connection
  }

  async run(): Promise<CapableConnection> {
    this.#signal.throwIfAborted()
    const maConn = this.#maConn
    const inbound = this.#role === 'inbound'
    const expected = await this.#at('identity', () => expectedPeer(maConn.remoteAddr), false)
    if (inbound) await this.#gate('denyInboundConnection', maConn)
    else if (expected !== undefined) await this.#gate('denyOutboundConnection', expected, maConn)
    this.#context.components.metrics?.trackMultiaddrConnection(maConn)

    const stream = await this.#protect()
    const secured = await this.#secure(stream, expected)
    const { remotePeer } = secured
    await this.#at('identity', () => this.#identify(remotePeer, expected))
    const encrypted = inbound ? 'denyInboundEncryptedConnection' : 'denyOutboundEncryptedConnection'
    await this.#gate(encrypted, remotePeer, maConn)

    const connection = await this.#multiplex(secured)
    const upgraded = inbound ? 'denyInboundUpgradedConnection' : 'denyOutboundUpgradedConnection'
    await this.#gate(upgraded, remotePeer, maConn)
    this.#signal.throwIfAborted()
    return connection
  }

  async #gate(hook: GaterHook, ...args: [MultiaddrConnection] | [PeerId, MultiaddrConnection]) {
    const gater = this.#context.components.connectionGater
    const deny: unknown = gater?.[hook]
    if (typeof deny !== 'function') return
    await this.#at('gater', async () => {
      const denied: unknown = await Reflect.apply(deny, gater, args)
      if (denied === true) {
        throw new ConnectionGatedError(`the connection gater denied it (${hook})`)
      }
    })
  }

  async #protect(): Promise<MessageStream> {
    const protector = this.#context.components.connectionProtector
    if (protector === undefined || this.#options.skipProtection === true) return this.#maConn
    return this.#at('psk', async () => {
      refusePlaintext(this.#context.encrypters)
      return protector.protect(this.#maConn, { signal: this.#signal })
    })
  }

  async #secure(stream: MessageStream, expected: PeerId | undefined): Promise<Secured> {
    const { skipEncryption, remotePeer, muxerFactory } = this.#options
    if (skipEncryption === true) {
      if (remotePeer === undefined) {
        this.#step = 'security'
        throw new TypeError('a conn that skips encryption must come with the id of its peer')
      }
      return { connection: stream, remotePeer, protocol: 'native' }
    }
    this.#progress('encrypt')
    return this.#at('security', async () => {
      const { encrypters, muxers, options } = this.#context
      const encrypter = await this.#negotiate(stream, encrypters)
      const early =
        muxerFactory === undefined &&
        mayChooseMuxerEarly(encrypter, muxers.size, options.earlyMuxers)
      const init = {
        signal: this.#signal,
        skipStreamMuxerNegotiation: !early,
        ...(expected === undefined ? {} : { remotePeer: expected })
      }
      const secured = await (this.#role === 'inbound'
        ? encrypter.secureInbound(stream, init)
        : encrypter.secureOutbound(stream, init))
      return { ...secured, protocol: encrypter.protocol }
    })
  }

  /** Our own check, for every type of key: not every encrypter compares every one. */
  #identify(remotePeer: PeerId, expected: PeerId | undefined): void {
    if (remotePeer.equals(this.#context.components.peerId)) {
      throw new SelfConnectionError('the peer at the other end is this node itself')
    }
    if (expected !== undefined && !remotePeer.equals(expected)) {
      throw new PeerMismatchError(
        `the peer is ${remotePeer.toString()}, not ${expected.toString()} as its address says`
      )
    }
  }

  async #multiplex(secured: Secured): Promise<CapableConnection> {
    const { muxers } = this.#context
    const chosen = this.#options.muxerFactory ?? secured.streamMuxer
    if (chosen === undefined && muxers.size === 0) return this.#connect(secured)
    return this.#at('muxer', async () => {
      if (chosen !== undefined) return this.#connect(secured, chosen)
      this.#progress('multiplex')
      const { connection } = secured
      const factory = await this.#negotiate(connection, muxers)
      return this.#connect(secured, factory)
    })
  }

  /** In one turn with the muxer's creation, so that no stream of the peer is missed. */
  #connect(secured: Secured, factory?: StreamMuxerFactory): CapableConnection {
    const { components, options } = this.#context
    this.#signal.throwIfAborted()
    if (this.#maConn.status !== 'open') throw new ConnectionEndedError('the connection has ended')
    const { connection: stream, remotePeer, protocol } = secured
    const { limits } = this.#options
    const id = this.#context.nextId()
    const scope = components.limiter?.openScope(id, remotePeer)
    const muxerFactory: AccountingMuxerFactory | undefined = factory
    this.#connection = new CapableConnection(components, options, {
      id,
      maConn: this.#maConn,
      stream,
      remotePeer,
      direction: this.#role,
      encryption: protocol,
      ...(scope === undefined ? {} : { scope }),
      ...(muxerFactory === undefined
        ? {}
        : { muxer: muxerFactory.createStreamMuxer(stream, scope) }),
      ...(limits === undefined ? {} : { limits })
    })
    return this.#connection
  }

  async #negotiate<T>(stream: MessageStream, choices: ReadonlyMap<string, T>): Promise<T> {
    const protocols = [...choices.keys()]
    const protocol =
      this.#role === 'inbound'
        ? await answerProtocol(stream, protocols)
        : await selectProtocol(stream, protocols)
    return choices.get(protocol) as T
  }

  /** Runs one step under the upgrade's signal and counts it. */
  async #at<T>(step: UpgradeStep, run: () => T | Promise<T>, count = true): Promise<T> {
    const { steps } = this.#context.counters
    const started = performance.now()
    this.#step = step
    if (count) steps[step].attempts++
    try {
      return await waitFor(start(run), this.#signal)
    } catch (error) {
      if (step === 'security' && isIdentityFailure(error)) this.#step = 'identity'
      if (this.#step !== step || !count) steps[this.#step].attempts++
      steps[this.#step].failures++
      throw error
    } finally {
      if (count) steps[step].time += performance.now() - started
    }
  }

  #progress(what: 'encrypt' | 'multiplex'): void {
    this.#options.onProgress?.({ type: `upgrader:${what}-${this.#role}-connection`, detail: null })
  }
}

/** libp2p's encrypters say so when the peer did not prove the identity that they were given. */
function isIdentityFailure(error: unknown): boolean {
  return error instanceof Error && error.name === 'UnexpectedPeerError'
}

async function start<T>(run: () => T | Promise<T>): Promise<T> {
  return run()
}
