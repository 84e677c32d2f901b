import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Tun } from '@warren/tun'

/** A network namespace of its own, held open by a process that sleeps. */
export class Namespace implements Disposable {
  readonly #holder: ChildProcess

  private constructor(holder: ChildProcess) {
    this.#holder = holder
  }

  static async make(): Promise<Namespace> {
    const holder = spawn('unshare', ['-n', 'sh', '-c', 'echo ready; exec sleep 3600'], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    await once(holder.stdout, 'data')
    const namespace = new Namespace(holder)
    namespace.run('ip', 'link', 'set', 'lo', 'up')
    return namespace
  }

  /** Moves a TUN interface of this process in; the descriptor stays ours. */
  adopt(tun: Tun, address: string): void {
    execFileSync('ip', ['link', 'set', tun.name, 'netns', String(this.#holder.pid)])
    this.run('ip', 'address', 'add', address, 'dev', tun.name)
    this.run('ip', 'link', 'set', tun.name, 'up')
    this.run('ip', 'route', 'add', 'default', 'dev', tun.name)
  }

  /** Runs a program in it, to its end. */
  run(program: string, ...args: string[]): string {
    return execFileSync('nsenter', [...this.#enter, program, ...args], { encoding: 'utf8' })
  }

  /** Starts a program in it. */
  start(program: string, ...args: string[]): ChildProcess {
    return spawn('nsenter', [...this.#enter, program, ...args], {
      stdio: ['ignore', 'pipe', 'ignore']
    })
  }

  /** Starts a module of ours in it. */
  fork(module: string, ...args: string[]): ChildProcess {
    return fork(module, args, {
      execPath: 'nsenter',
      execArgv: [...this.#enter, process.execPath]
    })
  }

  get #enter(): string[] {
    return ['-t', String(this.#holder.pid), '-n']
  }

  [Symbol.dispose](): void {
    this.#holder.kill()
  }
}
