/** A library that carries values from one process to another. */
export interface ValuePeer {
  /** Receives values for the rest of the process; resolves with where. */
  receive(address: string | undefined, onValue: (value: unknown) => void): Promise<string>
  /** What sends a value: waits, as the library has it, while the receiver or the wire is behind. */
  connect(address: string): Promise<(value: unknown) => Promise<void> | undefined>
}

/** A value whose JSON is 100 bytes long; the others are as many or a few less. */
export function valueAt(number: number): unknown {
  const id = 100_000_000 + number
  return {
    id,
    symbol: 'ACME',
    side: 'buy',
    price: 101.25,
    volume: 1_200,
    note: 'at the opening, by phone'
  }
}
