import { NetstackOptionError } from '../errors.ts'
import { type Prefix, parseAddress, parsePrefix } from './address.ts'

/** Reads a prefix, or throws NetstackOptionError. */
export function prefixOf(text: string): Prefix {
  const prefix = parsePrefix(text)
  if (prefix === undefined)
    throw new NetstackOptionError(`${JSON.stringify(text)} is no address with a prefix length`)
  return prefix
}

/** Reads an address, or throws NetstackOptionError. */
export function addressOf(text: string): Int32Array {
  const address = parseAddress(text)
  if (address === undefined)
    throw new NetstackOptionError(`${JSON.stringify(text)} is no IP address`)
  return address
}

/** A port from `least` on, or throws NetstackOptionError. */
export function portOf(port: number, least: number): number {
  if (!Number.isInteger(port) || port < least || port > 65535)
    throw new NetstackOptionError(`${port} is no port: give ${least} to 65535`)
  return port
}
