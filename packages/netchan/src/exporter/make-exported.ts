import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { ChannelPort } from '../channel/channel-port.ts'
import type { Codec } from '../codec/codec-types.ts'
import { coderOf } from '../coders.ts'
import { DEFAULTS } from '../defaults.ts'
import { NetchanOptionError } from '../errors.ts'
import { checkNumber } from '../names.ts'
import type { Window } from '../protocol/frames.ts'
import { MAX_WINDOW_BYTES, MAX_WINDOW_ITEMS } from '../protocol/limits.ts'
import { BroadcastSource } from './broadcast-source.ts'
import { type CallFunction, CallHandler } from './call-handler.ts'
import type { ExportOptions, HandleOptions } from './exporter-types.ts'
import { QueueSource } from './queue-source.ts'
import { ReceivedChannel } from './received-channel.ts'
import { SentChannel } from './sent-channel.ts'

/** What everything exported has of its exporter. */
export interface ExportContext {
  readonly maxValueBytes: number
  readonly report: (error: Error) => void
  readonly onProgress: () => void
}

const OVERLOADS = new Set(['block', 'drop-oldest', 'drop-newest', 'latest', 'error'])

const END_WINDOW: Window = { items: DEFAULTS.endSize, bytes: DEFAULTS.windowBytes }

/** @throws NetchanOptionError */
export function sentChannel(
  name: string,
  port: ChannelPort,
  options: ExportOptions,
  context: ExportContext
): SentChannel {
  const { mode = DEFAULTS.mode, overload = DEFAULTS.overload, schema, codec } = options
  const backlog = checkNumber('backlog', options.backlog ?? DEFAULTS.backlog, 1, 65_536)
  if (mode !== 'queue' && mode !== 'broadcast') {
    throw new NetchanOptionError(`mode is queue or broadcast, not ${String(mode)}`)
  }
  if (!OVERLOADS.has(overload)) {
    throw new NetchanOptionError(`overload is one of ${[...OVERLOADS].join(', ')}`)
  }
  const { maxValueBytes } = context
  // A channel in a value has one taker: it cannot be given to each importer.
  const maxEnds = mode === 'broadcast' ? 0 : DEFAULTS.maxEnds
  const coder = coderOf({ name, schema, codec, maxValueBytes, maxEnds })
  return new SentChannel({
    ...common(name, codec, context),
    coder,
    port,
    makeSource: hooks =>
      mode === 'queue'
        ? new QueueSource(port, coder, hooks)
        : new BroadcastSource(port, coder, hooks, overload, backlog)
  })
}

/** @throws NetchanOptionError */
export function receivedChannel(
  name: string,
  port: ChannelPort,
  options: ExportOptions,
  context: ExportContext
): ReceivedChannel {
  const { maxWindow = DEFAULTS.maxWindow, windowBytes = DEFAULTS.windowBytes } = options
  const { schema, codec, closeWithLast = DEFAULTS.closeWithLast } = options
  return new ReceivedChannel({
    ...common(name, codec, context),
    port,
    coder: coderOf({ name, schema, codec, maxValueBytes: context.maxValueBytes }),
    window: {
      items: checkNumber('maxWindow', maxWindow, 1, MAX_WINDOW_ITEMS),
      bytes: checkNumber('windowBytes', windowBytes, 1, MAX_WINDOW_BYTES)
    },
    maxValueBytes: context.maxValueBytes,
    closeWithLast
  })
}

/** A function, to be called by importers. */
export function exportedHandler(
  name: string,
  handle: CallFunction,
  { request, reply, codec, maxCalls = DEFAULTS.maxCalls }: HandleOptions,
  context: ExportContext
): CallHandler {
  const coder = (schema: StandardSchemaV1 | undefined) =>
    coderOf({ name, schema, codec, maxValueBytes: context.maxValueBytes })
  return new CallHandler({
    ...common(name, codec, context),
    handle,
    requests: coder(request),
    replies: coder(reply),
    maxCalls: checkNumber('maxCalls', maxCalls, 1, 1_048_576),
    maxValueBytes: context.maxValueBytes
  })
}

function common(name: string, codec: Codec | undefined, context: ExportContext) {
  const { maxValueBytes, report, onProgress } = context
  return {
    what: `channel ${name}`,
    endCoder: coderOf({ name, schema: undefined, codec, maxValueBytes }),
    endWindow: END_WINDOW,
    report,
    onProgress
  }
}
