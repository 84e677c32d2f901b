/** A behaviour of netstack's TCP/IP, and the tests that show it. */
export interface Behaviour {
  readonly name: string
  /** Where it is specified. */
  readonly source: string
  /**
   * Tests: `script: NAME` is one of `packages/netstack/test/scripts` (a `*` stands for anything), all
   * else the beginning of a test's full title.
   */
  readonly shownBy: readonly string[]
}

function behaviour(name: string, source: string, ...shownBy: string[]): Behaviour {
  return { name, source, shownBy }
}

/** Everything that the design promises, in its order. */
export const BEHAVIOURS: readonly Behaviour[] = [
  behaviour(
    'active and passive open',
    'RFC 9293 §3.5',
    'script: handshake/active-open',
    'script: handshake/passive-open'
  ),
  behaviour('simultaneous open', 'RFC 9293 MUST-10', 'script: handshake/must-10-*'),
  behaviour(
    'SYN retransmission: 1 s, doubling, given up',
    'RFC 6298 §5',
    'script: handshake/syn-retransmission',
    'script: handshake/syn-ack-retransmission',
    'script: handshake/must-23-*'
  ),
  behaviour(
    'refusal, bad acknowledgements, resets while opening',
    'RFC 9293 §3.10.7',
    'script: handshake/refused',
    'script: handshake/bad-ack-*',
    'script: handshake/reset-in-*'
  ),
  behaviour(
    'all ways to close: active, passive, simultaneous',
    'RFC 9293 §3.6',
    'script: close/active-close',
    'script: close/passive-close',
    'script: close/simultaneous-close',
    'script: close/fin-*'
  ),
  behaviour(
    'half-close',
    'RFC 9293 MAY-1',
    'script: close/may-1-half-close',
    'script: close/other-half',
    'kernel: half-closes'
  ),
  behaviour(
    'TIME-WAIT for 2 MSL, not ended by RST',
    'RFC 9293 MUST-13, 1337',
    'script: close/time-wait-fin-again',
    'script: close/active-close'
  ),
  behaviour(
    'abort, and RST for data that nobody reads',
    'RFC 9293 MUST-12, SHLD-3',
    'script: close/must-12-abort',
    'script: close/shld-3-*'
  ),
  behaviour(
    'MSS, sent and obeyed',
    'RFC 9293 MUST-14, 15, 16, 67',
    'script: options/must-1*',
    'script: options/must-67-*',
    'script: options/tiny-mss'
  ),
  behaviour(
    'unknown, misaligned and malformed options',
    'RFC 9293 MUST-5, 6, 7, 64, 68',
    'script: options/must-5-*',
    'TCP header reads options'
  ),
  behaviour(
    'window scale',
    'RFC 7323 §2',
    'script: options/window-scale-limit',
    'script: handshake/passive-open',
    'kernel: shows window scaling'
  ),
  behaviour(
    'timestamps and PAWS',
    'RFC 7323 §4, §5',
    'script: attack/paws',
    'script: attack/paws-wrap',
    'script: attack/ts-recent'
  ),
  behaviour(
    'SACK, both ways',
    'RFC 2018, 6675',
    'script: receive/sack-*',
    'script: receive/out-of-order',
    'script: recovery/fast-retransmit',
    'script: recovery/sack-*'
  ),
  behaviour('DSACK', 'RFC 2883', 'script: receive/dsack-*', 'script: recovery/dsack-undo'),
  behaviour(
    'retransmission timeout',
    'RFC 6298, 9293 MUST-18, 19',
    'round trip',
    'script: recovery/must-19-timeout',
    'script: recovery/must-18-karn',
    'script: recovery/timestamps-*'
  ),
  behaviour(
    'fast retransmit, limited transmit, NewReno',
    'RFC 5681, 3042, 6582',
    'script: recovery/newreno',
    'script: recovery/partial-ack',
    'NewReno'
  ),
  behaviour('RACK', 'RFC 8985 §6', 'script: recovery/rack-*', 'script: recovery/fast-retransmit'),
  behaviour('tail loss probe', 'RFC 8985 §7', 'script: recovery/tail-*'),
  behaviour('PRR', 'RFC 6937', 'script: recovery/prr'),
  behaviour('CUBIC', 'RFC 9438', 'CUBIC'),
  behaviour('HyStart++', 'RFC 9406', 'HyStart++'),
  behaviour('F-RTO', 'RFC 5682', 'script: recovery/f-rto*'),
  behaviour(
    'undo by timestamps and DSACK',
    'RFC 3522, 3708',
    'script: recovery/eifel-undo',
    'script: recovery/dsack-undo',
    'script: recovery/tail-loss-spurious'
  ),
  behaviour(
    'initial window, restart after idle',
    'RFC 6928, 5681 §4.1',
    'script: send/initial-window',
    'script: send/idle-restart'
  ),
  behaviour(
    'zero-window probes',
    'RFC 9293 MUST-35, 36, 37',
    'script: send/must-35-*',
    'script: send/probe-not-answered'
  ),
  behaviour(
    'shrinking windows',
    'RFC 9293 MUST-34, SHLD-14',
    'script: send/must-34-*',
    'script: receive/shld-14-*'
  ),
  behaviour(
    "Nagle's algorithm",
    'RFC 9293 SHLD-7, MUST-17',
    'script: send/shld-7-nagle',
    'script: send/must-17-*',
    'script: send/nagle-*'
  ),
  behaviour(
    'silly window avoidance, both ways',
    'RFC 9293 MUST-38, 39',
    'script: send/must-38-*',
    'script: receive/must-39-*'
  ),
  behaviour(
    'delayed acknowledgements',
    'RFC 9293 MUST-40, 58, 59',
    'script: receive/delayed-ack',
    'script: receive/shld-19-*',
    'script: receive/must-5*'
  ),
  behaviour(
    'out-of-order and overlapping data',
    'RFC 9293 SHLD-31',
    'script: receive/out-of-order',
    'script: receive/overlapping',
    'out-of-order intervals'
  ),
  behaviour('receive-buffer auto-tuning', 'dynamic right-sizing', 'script: receive/auto-tuning'),
  behaviour(
    'keepalive',
    'RFC 9293 MUST-24 to 27',
    'script: send/keepalive',
    'script: send/must-25-*',
    'script: receive/keepalive-answered'
  ),
  behaviour('user timeout', 'RFC 5482, 9293 MUST-20, 21', 'script: send/user-timeout'),
  behaviour(
    'urgent data',
    'RFC 9293 MUST-30 to 33, 62',
    'script: send/must-30-urgent',
    'script: receive/urgent'
  ),
  behaviour('PSH', 'RFC 9293 MUST-60, 61', 'script: send/must-60-*'),
  behaviour('path MTU, and black holes', 'RFC 1191, 8201, 4821', 'script: path/*'),
  behaviour(
    'ICMP errors',
    'RFC 9293 MUST-54, 56, SHLD-26',
    'script: handshake/icmp-hard',
    'script: handshake/must-54-*'
  ),
  behaviour(
    'blind RST, SYN and data',
    'RFC 5961',
    'script: attack/rst-*',
    'script: attack/syn-*',
    'script: attack/blind-data',
    'blind attacks'
  ),
  behaviour(
    'limit of challenge ACKs',
    'RFC 5961 §7',
    'script: attack/challenge-limit',
    'script: attack/ack-storm'
  ),
  behaviour(
    'keyed initial sequence numbers',
    'RFC 6528, 9293 MUST-8',
    'initial sequence number',
    'SipHash-2-4'
  ),
  behaviour(
    'listen backlog, SYN cookies, floods',
    'RFC 4987',
    'a connection by SYN cookie',
    'floods'
  ),
  behaviour(
    'windows, SACK blocks and segments that lie',
    'RFC 9293',
    'peers that lie',
    'script: recovery/sack-lies',
    'script: attack/optimistic-ack'
  ),
  behaviour(
    'segmentation offload, full links',
    'own',
    'script: send/segmentation-offload',
    'script: send/link-full'
  ),
  behaviour(
    'IPv4, IPv6, UDP, ICMP, TCP headers and checksums',
    'RFC 791, 8200, 768, 792, 4443',
    'checksum',
    'IPv4 header',
    'IPv6 header',
    'UDP',
    'ICMP',
    'TCP header',
    'any bytes'
  ),
  behaviour('reassembly with limits', 'RFC 791, 8200, 1858', 'reassembly'),
  behaviour(
    'echo, datagrams, unreachable',
    'RFC 792, 4443, 768',
    'ICMP and UDP between two stacks',
    'kernel: exchanges echoes'
  ),
  behaviour(
    'forwarder: any address, after a decision of ours',
    'own',
    'the forwarder',
    'kernel: carries iperf3'
  ),
  behaviour(
    'TIME-WAIT taken over by a new SYN, and its number bounded',
    'RFC 6191',
    'connections between two stacks takes a new connection',
    'connections between two stacks ends the oldest'
  ),
  behaviour(
    'back-pressure from end to end',
    'own',
    'connections between two stacks a reader that does not read',
    'Node streams on a stack stops the writer'
  ),
  behaviour(
    'fairness between connections',
    'own',
    'connections between two stacks does not let one'
  ),
  behaviour('routing, "too big" and "time exceeded"', 'RFC 1812, 1191, 8201', 'routers between'),
  behaviour('sockets like those of node:net', 'own', 'Node streams on a stack'),
  behaviour('captures', 'pcapng', 'captures are pcapng'),
  behaviour('a TUN interface without root', 'own', 'kernel: needs no root'),
  behaviour('everything delivered or reported, nothing left', 'own', 'simulation of two stacks'),
  behaviour(
    'Linux as the peer, both roles',
    'own',
    'kernel: serves curl',
    'kernel: is a client',
    'kernel: carries iperf3',
    'kernel: resets',
    'kernel: accepts and ends',
    'kernel: opens and ends',
    'kernel: delivers everything'
  ),
  behaviour('nothing that tshark finds fault with', 'own', 'kernel: sends nothing')
]
