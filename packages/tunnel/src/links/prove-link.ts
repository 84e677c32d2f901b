import { randomBytes } from 'node:crypto'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import type { Control, RefuseCode } from '../../proto/control.ts'
import { LinkHandshake } from '../auth/link-handshake.ts'
import type { LinkCredentials, LinkGrant } from '../auth/link-handshake.ts'
import { NONCE_BYTES } from '../auth/link-proof.ts'
import type { LinkRole } from '../auth/link-proof.ts'
import { LinkProtocolError, LinkTimeoutError } from '../errors.ts'
import { ControlStream } from './control-stream.ts'

/** Milliseconds that a refusal may take to reach the peer. */
const REFUSAL_TIMEOUT = 1_000

/** Refuses a control stream that a peer has opened, without a proof. */
export function refuseLink(stream: Stream, controlBytes: number, code: RefuseCode): Promise<void> {
  const control = new ControlStream(stream, controlBytes)
  control.send({ refuse: { code } })
  return control.close(REFUSAL_TIMEOUT)
}

/** What {@link proveLink} needs. */
export interface ProveLinkInit {
  readonly stream: Stream
  readonly connection: Connection
  readonly role: LinkRole
  readonly self: PeerId
  /** What names this run of this side's tunnel. */
  readonly instance: Uint8Array
  readonly credentials: LinkCredentials
  /** Milliseconds for the whole proof. */
  readonly timeout: number
  /** Bytes of control messages that may wait for a peer that does not read. */
  readonly controlBytes: number
  /** Monotonic milliseconds. */
  readonly now: () => number
}

/** A proven control stream. */
export interface ProvenStream {
  readonly grant: LinkGrant
  readonly control: ControlStream
  /** What the peer sends from here on. */
  readonly messages: AsyncGenerator<Control>
  /** Milliseconds from a message of ours to its answer. */
  readonly roundTrip: number
}

/**
 * Carries out the link proof on a new control stream. The stream is ended when it fails, and a
 * refusal is sent before.
 *
 * @throws the error of the refusal, {@link LinkTimeoutError}, {@link LinkProtocolError}
 */
export async function proveLink(init: ProveLinkInit): Promise<ProvenStream> {
  const { stream, connection, role, now } = init
  const peer = connection.remotePeer
  const control = new ControlStream(stream, init.controlBytes)
  const messages = control.messages()
  const handshake = new LinkHandshake({
    role,
    self: init.self.toMultihash().bytes,
    peer: peer.toMultihash().bytes,
    peerText: peer.toString(),
    nonce: new Uint8Array(randomBytes(NONCE_BYTES)),
    instance: init.instance,
    credentials: init.credentials
  })
  const timer = setTimeout(() => {
    control.abort(
      new LinkTimeoutError(
        `${peer.toString()} did not prove the link within ${init.timeout} ms: it may be ` +
          'overloaded, or speak another protocol'
      )
    )
  }, init.timeout)
  let refused = false
  try {
    let step = handshake.start()
    let sentAt: number | undefined
    let roundTrip: number | undefined
    for (;;) {
      for (const message of step.send) {
        control.send(message)
        refused = message.refuse !== undefined
      }
      if (step.send.length > 0) sentAt = now()
      if (step.error !== undefined) throw step.error
      if (step.grant !== undefined) {
        return { grant: step.grant, control, messages, roundTrip: roundTrip ?? 0 }
      }
      const next = await messages.next()
      if (next.done === true) {
        throw new LinkProtocolError(`${peer.toString()} ended the control stream in the link proof`)
      }
      // The first message of a responder answers nothing.
      if (sentAt !== undefined) roundTrip ??= now() - sentAt
      step = handshake.receive(next.value)
    }
  } catch (error) {
    // Not awaited: the caller need not wait until the peer has read the refusal.
    if (refused) void control.close(REFUSAL_TIMEOUT)
    else control.abort(error as Error)
    throw error
  } finally {
    clearTimeout(timer)
  }
}
