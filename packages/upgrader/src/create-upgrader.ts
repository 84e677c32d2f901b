import { resolveViewOptions } from './options.ts'
import { refusePlaintext } from './psk/refuse-plaintext.ts'
import type {
  UpgraderComponents,
  UpgraderInit,
  UpgraderStats,
  UpgraderView,
  ViewOptions,
  WarrenUpgrader
} from './types.ts'
import { UpgraderCore } from './upgrader-core.ts'
import { View } from './view.ts'

/**
 * An upgrader: libp2p's `Upgrader` with an accept queue and slots. The upgrader itself is the view
 * of connections that come from no listener (relayed ones); give each listener one of its own by
 * `createView()`.
 *
 * @throws UpgraderOptionsError (`ERR_UPGRADER_OPTIONS`) when an option is out of its range;
 * PreSharedKeyError (`ERR_PRE_SHARED_KEY`) when a pre-shared key would be used above plaintext
 */
export function createUpgrader(components: UpgraderComponents, init: UpgraderInit): WarrenUpgrader {
  const core = new UpgraderCore(components, init)
  if (components.connectionProtector !== undefined) refusePlaintext(core.encrypters)
  return new RootUpgrader(core)
}

class RootUpgrader extends View implements WarrenUpgrader {
  readonly #core: UpgraderCore

  constructor(core: UpgraderCore) {
    super(core, core.context.options)
    this.#core = core
  }

  createView(options: ViewOptions = {}): UpgraderView {
    return new View(this.#core, resolveViewOptions(options, this.#core.context.options))
  }

  stats(): UpgraderStats {
    return this.#core.stats()
  }

  override async close(): Promise<void> {
    const others = [...this.#core.views].filter(view => view !== this)
    await Promise.all([super.close(), ...others.map(async view => view.close())])
  }
}
