import assert from 'node:assert/strict'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { DialError } from '../src/dial/dial-error.ts'
import { parseTarget, peerOf, withoutPeer, withPeer } from '../src/dial/dial-target.ts'

const A = '12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf'
const B = '12D3KooWHFKTMzwerBtsVmtz4ZZEQy2heafxzWw6wNn5PPYkBxJ5'

describe('dial target', () => {
  it('takes a peer, its addresses, or both', () => {
    assert.deepEqual(parseTarget(peerIdFromString(A)).addresses, [])
    const whole = parseTarget([
      multiaddr(`/ip4/127.0.0.1/tcp/1/p2p/${A}`),
      multiaddr('/ip4/127.0.0.1/tcp/2')
    ])
    assert.equal(whole.peer?.toString(), A)
    assert.equal(whole.addresses.length, 2)
    const bare = parseTarget(multiaddr(`/p2p/${A}`))
    assert.equal(bare.peer?.toString(), A)
    assert.deepEqual(bare.addresses, [])
    assert.equal(parseTarget(multiaddr('/ip4/127.0.0.1/tcp/1')).peer, undefined)
  })

  it('takes the far end of a relayed address', () => {
    assert.equal(
      peerOf(multiaddr(`/ip4/127.0.0.1/tcp/1/p2p/${A}/p2p-circuit/p2p/${B}`))?.toString(),
      B
    )
    assert.equal(peerOf(multiaddr(`/ip4/127.0.0.1/tcp/1/p2p/${A}/p2p-circuit`)), undefined)
  })

  it('refuses two peers, nothing, and what is no address', () => {
    const two = [multiaddr(`/ip4/1.2.3.4/tcp/1/p2p/${A}`), multiaddr(`/ip4/1.2.3.4/tcp/1/p2p/${B}`)]
    assert.throws(() => parseTarget(two), { code: 'ERR_DIAL_TARGET' })
    assert.throws(() => parseTarget([]), { code: 'ERR_DIAL_TARGET' })
    assert.throws(() => parseTarget('/ip4/127.0.0.1/tcp/1' as never), { code: 'ERR_DIAL_TARGET' })
  })

  it('puts the peer on and takes it off', () => {
    const place = multiaddr('/ip4/127.0.0.1/tcp/1')
    const whole = withPeer(place, peerIdFromString(A))
    assert.equal(whole.toString(), `/ip4/127.0.0.1/tcp/1/p2p/${A}`)
    assert.equal(withPeer(whole, peerIdFromString(A)).toString(), whole.toString())
    assert.equal(withoutPeer(whole).toString(), place.toString())
    assert.equal(withoutPeer(place).toString(), place.toString())
  })
})

describe('dial error', () => {
  const error = new DialError(A, [
    { address: '/ip4/1.2.3.4/tcp/1', step: 'connect', duration: 12.4, error: new Error('refused') },
    { address: '/ip4/1.2.3.4/tcp/22', step: 'security', duration: 250, error: new Error('no key') },
    { address: '/ip4/1.2.3.4/tcp/3', step: 'backoff', duration: 0, error: new Error('later') },
    { address: '/ip4/1.2.3.4/tcp/4', step: 'gater', duration: 0, error: new Error('denied') }
  ])

  it('prints a line for every address', () => {
    assert.deepEqual(String(error).split('\n'), [
      `cannot dial ${A}: none of its 4 addresses worked`,
      '  /ip4/1.2.3.4/tcp/1   connect      12 ms  refused',
      '  /ip4/1.2.3.4/tcp/22  security    250 ms  no key',
      '  /ip4/1.2.3.4/tcp/3   backoff       0 ms  later',
      '  /ip4/1.2.3.4/tcp/4   gater         0 ms  denied'
    ])
  })

  it('keeps its message on one line and says how many more there are', () => {
    assert.equal(error.code, 'ERR_DIAL')
    assert.equal(error.message.includes('\n'), false)
    assert.match(error.message, /tcp\/1 \(connect: refused\).*; and 1 more$/)
  })
})
