/**
 * Early muxer negotiation (libp2p noise specification, "Early Multiplexer Negotiation"), so that the
 * two ends cannot come to different muxers.
 *
 * By the specification the initiator's order decides; stock js-libp2p takes, on each side, the first
 * of the *other* side's list. Both rules agree where one of the lists has one name: so as initiator
 * we answer the responder's list with the one we have chosen, and as responder we offer only one.
 */

/** What a responder offers. */
export function offerAsResponder(
  configured: readonly string[],
  earlyMuxers: readonly string[] | undefined
): readonly string[] {
  if (earlyMuxers !== undefined) return earlyMuxers.filter(name => configured.includes(name))
  return configured.length === 1 ? configured : []
}

/** What an initiator answers to the responder's offer: the one it has chosen, or nothing. */
export function answerAsInitiator(
  configured: readonly string[],
  offered: readonly string[]
): readonly string[] {
  return configured.filter(name => offered.includes(name)).slice(0, 1)
}

/** What both lists come to; nothing when they share no name, and multistream-select decides. */
export function agreedMuxer(
  initiator: readonly string[],
  responder: readonly string[]
): string | undefined {
  return initiator.find(name => responder.includes(name))
}
