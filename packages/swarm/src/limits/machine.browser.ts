import type { Machine } from './limit-values.ts'

/** Browsers tell neither exactly: memory in coarse steps of GiB if at all, descriptors never. */
export function thisMachine(): Machine {
  const gigabytes: unknown = Reflect.get(globalThis.navigator ?? {}, 'deviceMemory')
  return {
    memory: typeof gigabytes === 'number' ? gigabytes * 2 ** 30 : Number.POSITIVE_INFINITY,
    descriptors: Number.POSITIVE_INFINITY
  }
}
