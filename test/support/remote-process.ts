// The process of a Remote: see remote.ts. Calls the functions of the module named in its arguments.
import type { RemoteAnswer, RemoteCall } from './remote.ts'

const module = (await import(process.argv[2] ?? '')) as Record<
  string,
  (...args: unknown[]) => unknown
>

process.on('disconnect', () => process.exit(0))
process.on('message', ({ id, name, args }: RemoteCall) => {
  void answer(id, name, args).then(message => process.send?.(message))
})

async function answer(id: number, name: string, args: readonly unknown[]): Promise<RemoteAnswer> {
  try {
    return { id, result: await module[name]?.(...args) }
  } catch (error) {
    return { id, error: error instanceof Error ? error : new Error(String(error)) }
  }
}
