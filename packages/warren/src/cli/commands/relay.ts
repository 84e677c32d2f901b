import { describeError } from '@warren/utils'
import { serveControl } from '../../control/control-server.ts'
import type { Relay } from '../../relay/relay-types.ts'
import type { Home } from '../../state/home.ts'
import type { Context } from '../context.ts'
import { parseDuration } from '../duration.ts'
import { aborted } from '../interrupt.ts'
import { describeLimits } from '../narrate.ts'
import { shortPath, shortPeer } from '../peer-text.ts'
import { pskOf } from '../psk-file.ts'
import { parseSize } from '../size.ts'

/** Options of `warren relay`. */
export interface RelayCommandOptions {
  readonly allow?: readonly string[]
  readonly allowFile?: string
  readonly pskFile?: string
  readonly strangers: 'none' | 'small'
  readonly data: string
  readonly time: string
  readonly listen?: readonly string[]
  readonly announce?: readonly string[]
  readonly whileStdin?: boolean
}

/** Bytes of the largest limit: 1 PiB. */
const MAX_DATA = 2 ** 50

/** `warren relay`. */
export async function relay(context: Context, options: RelayCommandOptions): Promise<void> {
  const { output, signal } = context
  const seconds = Math.max(1, Math.round(parseDuration(options.time, '--time') / 1_000))
  const memberLimits = { bytes: parseSize(options.data, '--data', MAX_DATA), seconds }
  const psk = await pskOf(options.pskFile)
  const home = await context.home()
  const { createRelayIn } = await import('../../relay/create-relay.ts')
  await using running = await createRelayIn(home, {
    ...psk,
    memberLimits,
    strangers: options.strangers,
    onWarning: message => output.warn(message),
    signal,
    ...(options.allow === undefined ? {} : { allow: options.allow }),
    ...(options.allowFile === undefined ? {} : { allowFile: options.allowFile }),
    ...(options.listen === undefined ? {} : { listen: options.listen }),
    ...(options.announce === undefined ? {} : { announce: options.announce })
  })
  if (options.whileStdin === true) context.endWithStdin()
  await using _control = await serve(context, home, running)
  const status = running.status()
  if (output.json) output.object({ ...status, pid: process.pid })
  else announce(context, running)
  await aborted(signal)
  output.say('ending the relay: connections through it go on by another way, or end')
  throw signal.reason
}

function announce({ output, homePath }: Context, running: Relay): void {
  const { identity, members, memberLimits, strangerLimits, addresses } = running.status()
  const kept = identity === 'kept' ? `kept in ${shortPath(homePath)}` : 'for this run only'
  output.say(`relaying as ${shortPeer(running.peerId)} (identity ${kept})`, {
    peer: running.peerId
  })
  if (identity === 'ephemeral') {
    const by = running.identityHeldBy === undefined ? '' : ` (process ${running.identityHeldBy})`
    output.warn(
      `the identity in ${shortPath(homePath)} is in use by another warren${by}, so the addresses ` +
        'of this relay end with this process; with --home DIR it gets one of its own'
    )
  }
  const who =
    members === undefined ? 'everyone with the pre-shared key' : `${members} on the allow-list`
  output.say(`members: ${who}; each connection: ${describeLimits(memberLimits)}`)
  if (members !== undefined) {
    output.say(
      strangerLimits === undefined
        ? 'strangers get no seat'
        : `strangers get seats too; each connection: ${describeLimits(strangerLimits)}`
    )
  }
  output.say('on a peer that others cannot reach:  warren share 3000 --relay <address>')
  for (const address of addresses) output.data(address)
}

/** Serves `warren status`, until disposed. */
async function serve(context: Context, home: Home, running: Relay): Promise<AsyncDisposable> {
  const started = Date.now()
  try {
    const server = await serveControl(home.path, {
      status: () => {
        const { peer, identity, addresses, ...relayed } = running.status()
        return {
          pid: process.pid,
          home: home.path,
          command: 'relay',
          name: 'relay',
          uptime: Math.round((Date.now() - started) / 1_000),
          peer,
          identity,
          addresses,
          links: [],
          shares: [],
          openings: [],
          sessions: { open: 0, detached: 0, resumed: 0 },
          relay: relayed
        }
      }
    })
    return { [Symbol.asyncDispose]: () => server.close() }
  } catch (error) {
    context.output.warn(describeError(error))
    return { [Symbol.asyncDispose]: async () => {} }
  }
}
