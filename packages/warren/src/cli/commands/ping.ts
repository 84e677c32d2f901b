import { setTimeout as sleep } from 'node:timers/promises'
import { deadline, printable } from '@warren/utils'
import { PeerTimeoutError } from '../../errors.ts'
import { createNodeIn } from '../../node/create-node.ts'
import type { Context } from '../context.ts'
import { describeDuration, parseDuration } from '../duration.ts'
import { resolveTicket } from '../resolve-ticket.ts'

/** Milliseconds between two pings. */
const PAUSE = 200

/** `warren ping <peer>`. */
export async function ping(
  context: Context,
  given: string,
  options: { readonly count: number; readonly timeout: string }
): Promise<void> {
  const { output, signal } = context
  const timeout = parseDuration(options.timeout, '--timeout')
  const home = await context.home()
  const named = given.startsWith('/') ? undefined : await resolveTicket(home, given, signal)
  const target = named?.text ?? given
  // The kept identity belongs to whoever shares; a ping needs none.
  await using node = await createNodeIn(home, { listen: [], identity: 'ephemeral', signal })
  const times: number[] = []
  for (let n = 1; n <= options.count; n++) {
    const limit = deadline(
      timeout,
      () => new PeerTimeoutError(`no answer within ${describeDuration(timeout)}: is it running?`),
      signal
    )
    try {
      const ms = await node.ping(target, { signal: limit.signal })
      times.push(ms)
      if (!output.json) output.data(`${n}: ${ms.toFixed(2)} ms`)
    } finally {
      limit.clear()
    }
    if (n < options.count) await sleep(PAUSE, undefined, { signal })
  }
  const [min, max] = [Math.min(...times), Math.max(...times)]
  const average = times.reduce((sum, ms) => sum + ms, 0) / times.length
  // Not the target: a ticket is a secret.
  const peer = named?.ticket.sharer.toString() ?? printable(given)
  if (output.json) output.object({ peer, times, min, average, max })
  else {
    output.say(
      `least ${min.toFixed(2)} ms, average ${average.toFixed(2)} ms, most ${max.toFixed(2)} ms`
    )
  }
}
