import { join } from 'node:path'
import {
  array,
  integer,
  maxLength,
  maxValue,
  minValue,
  nullable,
  number,
  object,
  optional,
  pipe,
  string
} from 'valibot'
import type { InferOutput } from 'valibot'
import { Collection } from './collection.ts'
import { ephemeralIdentity, IDENTITY_FILE, lockedIdentity, readOrMakeKey } from './identity.ts'
import type { Identity } from './identity.ts'
import { privateDirectory } from './private-directory.ts'
import { savedToken, ticketKey, token } from './secrets.ts'
import type { OnDamage } from './state-file.ts'

const text = pipe(string(), maxLength(8192))
const port = pipe(number(), integer(), minValue(1), maxValue(65_535))
const time = pipe(number(), integer())

const SHARE = object({
  /** What is shared, as `parseTarget` writes it. */
  target: text,
  /** Wall-clock time in milliseconds. */
  created: time
})

const PEER = object({
  /** The ticket by which the name was opened. */
  ticket: text,
  /** Where it was opened. */
  listen: optional(text),
  opened: time
})

const TICKET = object({
  channel: text,
  peer: text,
  issued: time,
  /** `null`: never. */
  expires: nullable(time),
  /** The ticket as text, so that a share that comes back prints the same one. */
  text
})

const REVOKED = object({ at: time, expires: nullable(time) })

const USES = object({ expires: time, peers: pipe(array(text), maxLength(1_024)) })

const PORTS = object({ ports: pipe(array(port), maxLength(16)) })

/** What is kept of a share, by its name. */
export type SavedShare = InferOutput<typeof SHARE>
/** What is kept of a peer's channel that was opened, by its name. */
export type SavedPeer = InferOutput<typeof PEER>
/** What is kept of a ticket that was issued here, by its id. */
export type SavedTicket = InferOutput<typeof TICKET>

/**
 * The state directory: identity, keys, and what is remembered from one run to the next. Several
 * processes may have it open at once.
 */
export class Home {
  readonly path: string
  /** Shares by name. */
  readonly shares: Collection<SavedShare>
  /** Opened peers by name. */
  readonly peers: Collection<SavedPeer>
  /** Issued tickets by id. */
  readonly tickets: Collection<SavedTicket>
  /** Revoked tickets by id. */
  readonly revoked: Collection<InferOutput<typeof REVOKED>>
  /** Which peers have used a ticket with limited uses, by its id. */
  readonly uses: Collection<InferOutput<typeof USES>>
  /** Ports by what they are for: `share/<name>`, `open/<name>`. */
  readonly ports: Collection<InferOutput<typeof PORTS>>
  readonly #onDamage: OnDamage

  private constructor(path: string, onDamage: OnDamage) {
    this.path = path
    this.#onDamage = onDamage
    this.shares = new Collection(join(path, 'shares'), 'share', SHARE, onDamage)
    this.peers = new Collection(join(path, 'peers'), 'peer', PEER, onDamage)
    this.tickets = new Collection(join(path, 'tickets'), 'ticket', TICKET, onDamage)
    this.revoked = new Collection(join(path, 'revoked'), 'revoked', REVOKED, onDamage)
    this.uses = new Collection(join(path, 'uses'), 'uses', USES, onDamage)
    this.ports = new Collection(join(path, 'ports'), 'ports', PORTS, onDamage)
  }

  /**
   * Opens the state directory at `path`, making it on first use.
   *
   * @param onDamage told of every damaged file that was put aside
   * @throws ERR_HOME, ERR_HOME_LOOSE
   */
  static async open(path: string, onDamage: OnDamage): Promise<Home> {
    await privateDirectory(path)
    return new Home(path, onDamage)
  }

  /** The kept identity, or an ephemeral one when another process uses it. */
  identity(): Promise<Identity> {
    return lockedIdentity(this.path, this.#onDamage)
  }

  /** An identity that ends with the process, although there is a kept one. */
  ephemeralIdentity(): Promise<Identity> {
    return ephemeralIdentity()
  }

  /** Where the kept identity is. */
  get identityPath(): string {
    return join(this.path, IDENTITY_FILE)
  }

  /** The kept identity's peer id, whoever uses it now. */
  async peerId(): Promise<string> {
    const { peerIdFromPrivateKey } = await import('@libp2p/peer-id')
    return peerIdFromPrivateKey(await readOrMakeKey(this.identityPath, this.#onDamage)).toString()
  }

  ticketKey(): Promise<Uint8Array> {
    return ticketKey(this.path, this.#onDamage)
  }

  savedToken(): Promise<string | undefined> {
    return savedToken(this.path, this.#onDamage)
  }

  token(make: () => string): Promise<string> {
    return token(this.path, this.#onDamage, make)
  }
}
