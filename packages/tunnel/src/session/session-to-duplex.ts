import { Duplex } from 'node:stream'
import type { ByteSession } from './session-types.ts'

/**
 * A session of bytes as a Node duplex: half-open, with back-pressure both ways. Do not read or
 * write the session itself afterwards.
 *
 * What is written is copied, since a duplex's caller may reuse its buffer after the callback, and
 * the session keeps its bytes until the peer's application has taken them.
 */
export function sessionToDuplex(session: ByteSession): Duplex {
  let wanted = false
  let written: (() => void) | undefined
  /** Both directions have been ended: what is left is the session's own business. */
  const isEnded = (): boolean => duplex.readableEnded && duplex.writableFinished
  const duplex = new Duplex({
    allowHalfOpen: true,
    read: () => {
      wanted = true
      pull()
    },
    write: (chunk: Uint8Array, _encoding, done) => {
      try {
        if (session.write(new Uint8Array(chunk))) done()
        else written = done
      } catch (error) {
        done(error as Error)
      }
    },
    final: done => {
      session.closeWrite()
      done()
    },
    destroy: (error, done) => {
      session.onReadable = undefined
      session.onDrain = undefined
      // A duplex that is through is destroyed, too: but its last bytes may still be on their way.
      if (error === null && isEnded()) session.close().catch(() => {})
      else session.abort(error ?? undefined)
      done(error)
    }
  })
  function pull(): void {
    while (wanted) {
      const chunk = session.read()
      if (chunk === undefined) break
      wanted = duplex.push(chunk)
    }
    if (wanted && session.readEnded) {
      wanted = false
      duplex.push(null)
    }
  }
  session.onReadable = pull
  session.onDrain = () => {
    const done = written
    written = undefined
    done?.()
  }
  session.closed.then(
    error => {
      if (error !== undefined && !isEnded()) duplex.destroy(error)
    },
    () => {}
  )
  return duplex
}
