import type { persistentPeerStore } from '@libp2p/peer-store'
import { MemoryDatastore } from 'datastore-core'

/** A key-value store of `interface-datastore`, such as `MemoryDatastore` or `LevelDatastore`. */
export type Datastore = Parameters<typeof persistentPeerStore>[0]['datastore']

/**
 * The datastore of a swarm that is given none: in memory. It keeps copies. What encoders make is cut
 * from Node's buffer pool, so each small record that is kept for long would keep 64 KiB.
 */
export class CopyingDatastore extends MemoryDatastore {
  override put(
    ...[key, value, options]: Parameters<MemoryDatastore['put']>
  ): ReturnType<MemoryDatastore['put']> {
    return super.put(key, new Uint8Array(value), options)
  }
}
