import { WarrenError } from '@warren/interface'

/** Thrown when the command line cannot be understood: a missing, wrong or contradictory argument. */
export class UsageError extends WarrenError {
  readonly code = 'ERR_USAGE'
}

/** Thrown when an option of {@link createNode} has a value that cannot be used. */
export class NodeOptionsError extends WarrenError {
  readonly code = 'ERR_NODE_OPTIONS'
}

/** Thrown when a node is used after it was closed. */
export class NodeClosedError extends WarrenError {
  readonly code = 'ERR_NODE_CLOSED'

  constructor() {
    super('this node is closed: create another one')
  }
}

/** Thrown when the state directory cannot be created, read or written. */
export class HomeError extends WarrenError {
  readonly code = 'ERR_HOME'
}

/** Thrown when others may read or write the state directory or a file in it. */
export class LoosePermissionsError extends WarrenError {
  readonly code = 'ERR_HOME_LOOSE'
}

/** Thrown when a state file was written by a newer Warren than this one. */
export class StateTooNewError extends WarrenError {
  readonly code = 'ERR_STATE_TOO_NEW'
}

/** Thrown when a file that holds a secret (token, ticket) cannot be read or holds something else. */
export class SecretFileError extends WarrenError {
  readonly code = 'ERR_SECRET_FILE'
}

/** Thrown when a name is neither a ticket nor that of a peer this machine has opened before. */
export class UnknownNameError extends WarrenError {
  readonly code = 'ERR_NAME_UNKNOWN'
}

/** Thrown when no address of the peer answered: all of them refused, or are not routed. */
export class PeerUnreachableError extends WarrenError {
  readonly code = 'ERR_PEER_UNREACHABLE'
}

/** Thrown when a relay cannot be reached, or gives no seat to this node. */
export class RelayUnreachableError extends WarrenError {
  readonly code = 'ERR_RELAY_UNREACHABLE'
}

/** Thrown when the list of a relay's members cannot be read, or holds something else than peer ids. */
export class AllowListError extends WarrenError {
  readonly code = 'ERR_ALLOW_LIST'
}

/** Thrown when the peer did not answer within the time that was given. */
export class PeerTimeoutError extends WarrenError {
  readonly code = 'ERR_PEER_TIMEOUT'
}

/** Thrown when the peer is linked, but does not share the channel. */
export class ChannelUnknownError extends WarrenError {
  readonly code = 'ERR_CHANNEL_UNKNOWN'
}

/** Thrown when a running Warren process does not answer on its control socket as it should. */
export class ControlError extends WarrenError {
  readonly code = 'ERR_CONTROL'
}

/** Thrown when a ticket id or a ticket is not known here. */
export class UnknownTicketError extends WarrenError {
  readonly code = 'ERR_TICKET_UNKNOWN'
}

/** Thrown when the demonstration did not do what it shows: wrong bytes, or a cut that never came. */
export class DemoFailedError extends WarrenError {
  readonly code = 'ERR_DEMO_FAILED'
}
