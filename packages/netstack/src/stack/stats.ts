/** Counts of a stack since it was made; a snapshot of them is part of `Stack.stats`. */
export interface StackCounts {
  packetsReceived: number
  /** Dropped: malformed headers or lengths. */
  malformed: number
  /** Dropped: a checksum was wrong. */
  badChecksums: number
  /** Dropped: for no address of ours, or from an address that nobody can have. */
  notForUs: number
  segmentsReceived: number
  connectionsOpened: number
  connectionsAccepted: number
  connectionsFailed: number
  resetsSent: number
  /** SYNs dropped: backlog full without cookies, or the stack at its limit. */
  synsDropped: number
  cookiesSent: number
  cookiesAccepted: number
  cookiesRefused: number
  datagramsReceived: number
  datagramsSent: number
  icmpReceived: number
  icmpSent: number
  /** Not sent because of a rate limit. */
  rateLimited: number
  forwardedPackets: number
}

/** All zero. */
export function newCounts(): StackCounts {
  return {
    packetsReceived: 0,
    malformed: 0,
    badChecksums: 0,
    notForUs: 0,
    segmentsReceived: 0,
    connectionsOpened: 0,
    connectionsAccepted: 0,
    connectionsFailed: 0,
    resetsSent: 0,
    synsDropped: 0,
    cookiesSent: 0,
    cookiesAccepted: 0,
    cookiesRefused: 0,
    datagramsReceived: 0,
    datagramsSent: 0,
    icmpReceived: 0,
    icmpSent: 0,
    rateLimited: 0,
    forwardedPackets: 0
  }
}
