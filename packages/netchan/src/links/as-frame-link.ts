import { Duplex } from 'node:stream'
import type { Stream } from '@libp2p/interface'
import { NetchanOptionError } from '../errors.ts'
import type { FrameLink } from './frame-link.ts'
import { portLink } from './port-link.ts'
import type { PortLike } from './port-link.ts'
import { sessionLink } from './session-link.ts'
import type { MessageSession } from './session-link.ts'
import { socketLink } from './socket-link.ts'
import { streamLink } from './stream-link.ts'

/** What a link can be made of: a session, a stream, a socket or `Duplex`, a port, or a link itself. */
export type LinkSource = FrameLink | MessageSession | Stream | Duplex | PortLike

/**
 * A link over whatever it is given.
 *
 * @throws code `ERR_NETCHAN_OPTION`
 */
export function asFrameLink(source: LinkSource): FrameLink {
  if (source instanceof Duplex) return socketLink(source)
  if ('maxFrameBytes' in source) return source
  if ('postMessage' in source) return portLink(source)
  if ('closeRead' in source) return streamLink(source)
  if ('receive' in source && 'send' in source) return sessionLink(source)
  throw new NetchanOptionError(
    'a link is made of a tunnel session of messages, a libp2p stream, a socket or a MessagePort'
  )
}
