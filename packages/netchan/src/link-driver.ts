import { NetchanLinkLostError } from './errors.ts'
import { errorOf } from './failures.ts'
import type { FrameLink } from './links/frame-link.ts'
import type { Binding } from './protocol/binding.ts'
import type { Failure } from './protocol/codes.ts'
import { type LinkOwner, dispatch } from './protocol/dispatch.ts'
import type { BindRequest } from './protocol/frames.ts'
import { LinkCore, type LinkCoreInit } from './protocol/link-core.ts'

/** What a {@link LinkDriver} works on. */
export interface LinkDriverInit {
  readonly link: FrameLink
  readonly core: Omit<LinkCoreInit, 'wake' | 'packetBytes'>
  /** Milliseconds that the last frames may take to leave. */
  readonly closeTimeout: number
  onOpen(): void
  onBind(binding: Binding, request: BindRequest): void
  onFault(error: Error): void
}

/**
 * The shell of a link: moves packets between a {@link LinkCore} and a {@link FrameLink}, and owns
 * the timer. What commands write within one turn of the event loop leaves together.
 */
export class LinkDriver {
  readonly core: LinkCore
  readonly #init: LinkDriverInit
  readonly #abort = new AbortController()
  /** Resolves when the link is over; with the error when it did not end in order. */
  readonly closed: Promise<Error | undefined>
  #resolveClosed!: (error: Error | undefined) => void
  #ended = false
  /** A packet is on its way into the link, which takes no other meanwhile. */
  #isSending = false
  #isTurnDue = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #timerAt = Infinity
  #isDispatching = false
  /** Called when everything written has left. */
  #onFlushed: (() => void)[] = []
  /** The peer's goodbye, or ours. */
  #goodbye: { readonly failure: Failure | undefined; readonly ours: boolean } | undefined

  readonly #owner: LinkOwner

  constructor(init: LinkDriverInit) {
    this.#init = init
    this.#owner = {
      onOpen: () => init.onOpen(),
      onBind: (binding, request) => init.onBind(binding, request),
      onClosed: (failure, ours) => {
        this.#goodbye ??= { failure, ours }
        void this.#leave()
      },
      onFault: error => init.onFault(error)
    }
    this.closed = new Promise(resolve => {
      this.#resolveClosed = resolve
    })
    this.core = new LinkCore(
      {
        ...init.core,
        packetBytes: init.link.maxFrameBytes,
        wake: full => this.#wake(full)
      },
      performance.now()
    )
    void this.#receive()
  }

  get isEnded(): boolean {
    return this.#ended
  }

  /** Says goodbye after everything written, and ends the link. */
  async close(failure?: Failure): Promise<void> {
    if (this.#ended) return
    this.core.goodbye(failure)
    this.#goodbye ??= { failure, ours: true }
    await this.#leave()
    await this.closed
  }

  /** Ends the link at once. */
  abort(error: Error): void {
    this.#end(error, false)
  }

  async #receive(): Promise<void> {
    const { link } = this.#init
    const { signal } = this.#abort
    try {
      for (;;) {
        const packet = await link.receive(signal)
        if (this.#ended) return
        if (packet === undefined) {
          this.#end(undefined, true)
          return
        }
        this.core.receive(packet)
        this.#turn()
        // Answers that the peer does not take hold its questions.
        while (this.core.isReadingHeld && !this.#ended) await this.#flushed()
      }
    } catch (error) {
      this.#end(error as Error, false)
    }
  }

  #wake(full: boolean): void {
    if (!this.#isTurnDue) {
      this.#isTurnDue = true
      setImmediate(() => {
        this.#isTurnDue = false
        this.#turn()
      })
    }
    if (full) this.#flush()
  }

  #turn(): void {
    this.#dispatch()
    this.#flush()
    // Packets that the link took at once have made room again.
    this.#dispatch()
    this.#schedule()
  }

  #dispatch(): void {
    if (this.#isDispatching) return
    this.#isDispatching = true
    try {
      dispatch(this.core, this.#owner)
    } finally {
      this.#isDispatching = false
    }
  }

  /** Gives the link as many packets as it takes. */
  #flush(): void {
    while (!this.#isSending && !this.#ended) {
      const packet = this.core.pollOutput(performance.now())
      if (packet === undefined) {
        const waiting = this.#onFlushed
        this.#onFlushed = []
        for (const resolve of waiting) resolve()
        return
      }
      let sent: Promise<void> | undefined
      try {
        sent = this.#init.link.send(packet, this.#abort.signal)
      } catch (error) {
        this.#end(error as Error, false)
        return
      }
      if (sent === undefined) continue
      this.#isSending = true
      sent.then(
        () => {
          this.#isSending = false
          this.#turn()
        },
        (error: unknown) => this.#end(error as Error, false)
      )
    }
  }

  #schedule(): void {
    const at = this.#ended ? undefined : this.core.nextTimeout()
    if (at === undefined) {
      clearTimeout(this.#timer)
      this.#timerAt = Infinity
      return
    }
    if (at >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = at
    this.#timer = setTimeout(
      () => {
        this.#timerAt = Infinity
        this.core.onTimeout(performance.now())
        this.#turn()
      },
      Math.max(1, Math.ceil(at - performance.now()))
    )
  }

  #flushed(): Promise<void> {
    return new Promise(resolve => this.#onFlushed.push(resolve))
  }

  /** Lets what was written leave, then ends the link. */
  async #leave(): Promise<void> {
    const timer = setTimeout(() => {
      this.#end(new NetchanLinkLostError('the last frames did not leave in time'), false)
    }, this.#init.closeTimeout)
    this.#flush()
    if (this.core.debug().output > 0 || this.#isSending) await this.#flushed()
    clearTimeout(timer)
    this.#end(undefined, true)
  }

  /** `error`: what the carrier ended with; `isOrderly`: it ended as it should. */
  #end(error: Error | undefined, isOrderly: boolean): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#timer)
    const goodbye = this.#goodbye
    const failure = goodbye?.failure
    const reason =
      failure !== undefined
        ? errorOf(
            failure,
            goodbye?.ours === true ? 'the link was ended' : 'the peer ended the link'
          )
        : (error ?? new NetchanLinkLostError('the link has ended'))
    this.core.lose(reason, isOrderly && goodbye !== undefined && failure === undefined)
    this.#turn()
    this.#abort.abort(reason)
    for (const resolve of this.#onFlushed) resolve()
    this.#onFlushed = []
    void this.#init.link.close(isOrderly ? undefined : reason).then(() => {
      this.#resolveClosed(goodbye === undefined || failure !== undefined ? reason : undefined)
    })
  }
}
