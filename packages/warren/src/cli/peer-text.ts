import { homedir } from 'node:os'

/** A peer id short enough for a line: its first and last characters. */
export function shortPeer(peer: string): string {
  return peer.length <= 16 ? peer : `${peer.slice(0, 6)}…${peer.slice(-6)}`
}

/** A path as people write it: `~/…` below the home directory. */
export function shortPath(path: string): string {
  const home = homedir()
  return path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path
}
