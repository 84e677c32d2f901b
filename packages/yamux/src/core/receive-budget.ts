/**
 * Bytes held unread, summed over all connections of a process (or of whatever shares the budget).
 */
export class ReceiveBudget {
  readonly limit: number
  held = 0

  constructor(limit: number) {
    this.limit = limit
  }
}
