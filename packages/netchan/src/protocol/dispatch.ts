import type { Binding, BindingEvent } from './binding.ts'
import { CODE, type Failure } from './codes.ts'
import type { BindRequest } from './frames.ts'
import type { LinkCore } from './link-core.ts'

/** What happens on a link that concerns no binding that has a handler. */
export interface LinkOwner {
  onOpen(): void
  /** Answers with `accept` or `refuse`, and sets the handler. */
  onBind(binding: Binding, request: BindRequest): void
  /** The peer has said goodbye, or broken the protocol (`ours`: it is we who say so). */
  onClosed(failure: Failure | undefined, ours: boolean): void
  /** A handler threw: a fault of this package. Its binding was ended. */
  onFault(error: Error): void
}

const READY: BindingEvent = { type: 'ready' }

/** Hands everything that has happened on a link to those whom it concerns. */
export function dispatch(core: LinkCore, owner: LinkOwner): void {
  for (;;) {
    const event = core.pollEvent()
    if (event === undefined) {
      const binding = core.unblock()
      if (binding === undefined) return
      guarded(core, owner, binding, () => binding.handler?.handle(READY))
      continue
    }
    switch (event.type) {
      case 'open':
        owner.onOpen()
        break
      case 'bind':
        guarded(core, owner, event.binding, () => owner.onBind(event.binding, event.request))
        break
      case 'binding':
        guarded(core, owner, event.binding, () => event.binding.handler?.handle(event.event))
        break
      case 'closed':
        owner.onClosed(event.failure, event.ours)
        break
    }
  }
}

/** Whatever goes wrong in the handling of one binding ends that binding alone. */
function guarded(core: LinkCore, owner: LinkOwner, binding: Binding, handle: () => void): void {
  try {
    handle()
  } catch (error) {
    const failure = { code: CODE.handlerFailed, message: 'this end failed' }
    core.end(binding, failure)
    core.hangup(binding, failure)
    owner.onFault(error as Error)
  }
}
