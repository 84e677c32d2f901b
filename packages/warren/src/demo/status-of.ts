import { array, looseObject, number, optional, parse, string } from 'valibot'
import { askAll } from '../control/control-client.ts'
import { DemoFailedError } from '../errors.ts'

/** How the peers were connected, as the opening process says. */
export interface DemoStatus {
  readonly path: string
  readonly security: string
  readonly muxer: string
  readonly resumed: number
}

const ANSWER = looseObject({
  links: array(
    looseObject({
      address: string(),
      path: string(),
      security: optional(string()),
      muxer: optional(string())
    })
  ),
  sessions: looseObject({ resumed: number() })
})

/** Asks the one process of a state directory. */
export async function statusOf(home: string, env: NodeJS.ProcessEnv): Promise<DemoStatus> {
  const { answers } = await askAll(home, { warren: 1, do: 'status' }, env)
  const first = answers[0]
  if (first === undefined) throw new DemoFailedError('the "open" process does not answer any more')
  const { links, sessions } = parse(ANSWER, first.data)
  const link = links[0]
  return {
    path: link === undefined ? 'none' : `${link.path}, ${link.address}`,
    security: link?.security ?? 'none',
    muxer: link?.muxer ?? 'none',
    resumed: sessions.resumed
  }
}
