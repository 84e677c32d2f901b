import type { Context } from '../context.ts'

/** `warren key [show|path|token]`. */
export async function key(context: Context, what: 'show' | 'path' | 'token'): Promise<void> {
  const { output } = context
  const home = await context.home()
  if (what === 'token') {
    const { generateToken } = await import('@warren/tunnel')
    const token = await home.token(generateToken)
    if (output.json) output.object({ token })
    else output.data(token)
    if (process.stdout.isTTY)
      output.say('Whoever has this token is in your network: keep it secret.')
    return
  }
  const peer = await home.peerId()
  if (output.json) output.object({ peer, path: home.identityPath })
  else output.data(what === 'path' ? home.identityPath : peer)
}
