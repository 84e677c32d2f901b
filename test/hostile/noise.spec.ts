import assert from 'node:assert/strict'
import { createPublicKey, randomBytes } from 'node:crypto'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey, PublicKey } from '@libp2p/interface'
import { Attacker } from './support/attacker.ts'
import type { AttackerInit } from './support/attacker.ts'
import { RecordForger } from './support/record-forger.ts'
import { SINK } from './support/protocols.ts'
import { Scene } from './support/scene.ts'
import type { SocketStream, Tamper } from './support/socket-stream.ts'
import { WINDOW, YamuxAttacker, data } from './support/yamux-attacker.ts'

const HANDSHAKE = 'ERR_NOISE_HANDSHAKE'
const RECORD = 'ERR_NOISE_RECORD'
const MIB = 1024 * 1024

describe('a hostile peer: Noise', () => {
  let scene: Scene
  before(async () => {
    scene = await Scene.create({ upgradeTimeout: 2_000 })
  })
  after(async () => scene[Symbol.asyncDispose]())

  describe('the handshake', () => {
    /** Bytes in the place of the first handshake message. */
    function refuses(
      name: string,
      code: string,
      talk: (socket: SocketStream['socket']) => void
    ): void {
      it(`${name}: ${code}`, () =>
        scene.underAttack(name, { codes: [code] }, async () => {
          using peer = await Attacker.atNoise(scene.port)
          talk(peer.socket)
          await peer.ended()
        }))
    }

    refuses('1 MiB of random bytes', HANDSHAKE, socket => socket.write(randomBytes(MIB)))
    refuses('a message of 65,535 bytes', HANDSHAKE, socket => socket.write(Buffer.of(0xff, 0xff)))
    refuses('a message of no bytes', HANDSHAKE, socket => socket.write(Buffer.of(0, 0)))
    refuses('a point of low order', HANDSHAKE, socket =>
      socket.write(Buffer.concat([Buffer.of(0, 32), Buffer.alloc(32)]))
    )
    refuses('a message that is cut, and FIN', 'ERR_UPGRADE', socket => {
      socket.end(Buffer.concat([Buffer.of(0, 32), randomBytes(10)]))
    })

    /** A handshake with something wrong in it; it may fail at either end. */
    function fails(name: string, code: string, init: () => Promise<readonly AttackerInit[]>): void {
      it(`${name}: ${code}`, () =>
        scene.underAttack(name, { codes: [code] }, async () => {
          for (const each of await init()) {
            const attacker = await Attacker.secure(scene.port, each).catch(() => undefined)
            // The initiator has done its part before the responder can refuse it.
            if (attacker !== undefined) await attacker.over()
            attacker?.[Symbol.dispose]()
          }
          const { connections } = await scene.tables()
          assert.equal(connections, 0)
        }))
    }

    fails('a bit that flips in the third message, at 24 places', HANDSHAKE, async () =>
      Array.from({ length: 24 }, (_, i) => ({ tamper: flipping(1, 2 + i * 7) }))
    )
    fails('a third message with 5 KiB of payload', HANDSHAKE, async () => [
      { extensions: { webtransportCerthashes: [randomBytes(5 * 1024)] } }
    ])
    fails('an RSA key of 16,384 bits', 'ERR_NOISE_KEY_REFUSED', async () => [
      { privateKey: keyWith(rsaKey(16_384), async () => randomBytes(256)) }
    ])
    fails('an RSA key of 1,024 bits', 'ERR_NOISE_KEY_REFUSED', async () => [
      { privateKey: keyWith(rsaKey(1_024), async () => randomBytes(128)) }
    ])
    fails('a signature by nobody', HANDSHAKE, async () => {
      const { publicKey } = await generateKeyPair('Ed25519')
      return [{ privateKey: keyWith(publicKey, async () => randomBytes(64)) }]
    })
    fails('the signature of another key', HANDSHAKE, async () => {
      const [mine, other] = [await generateKeyPair('Ed25519'), await generateKeyPair('Ed25519')]
      return [{ privateKey: keyWith(mine.publicKey, async text => other.sign(text)) }]
    })
  })

  describe('records', () => {
    /** An attack on a connection with a stream that the victim has taken. */
    function ends(
      name: string,
      attack: (peer: YamuxAttacker, id: number) => Promise<unknown>,
      code = RECORD
    ): void {
      it(`${name}: ${code}`, () =>
        scene.underAttack(name, { codes: [code], window: WINDOW }, async () => {
          using peer = await YamuxAttacker.connect(scene.port)
          await attack(peer, await peer.open(SINK))
          await peer.connection.over()
        }))
    }

    const some = (id: number, byte: number): Buffer => data(id, Buffer.alloc(1_000, byte))

    for (const at of [0, 1, 2, 13, 500, 1_020]) {
      ends(`a bit that flips in byte ${at}`, async (peer, id) => {
        peer.connection.raw.tamper = flipping(0, at)
        await peer.send(some(id, 1))
        // A length that has grown is found out with the bytes that it takes in.
        await peer.connection.flood(100, () => some(id, 2))
      })
    }
    ends('a record that comes again', async (peer, id) => {
      peer.connection.raw.tamper = bytes => [bytes, bytes]
      await peer.send(some(id, 1))
    })
    ends('two records in the wrong order', async (peer, id) => {
      let first: Uint8Array | undefined
      peer.connection.raw.tamper = bytes => {
        if (first !== undefined) return [bytes, first]
        first = bytes
        return []
      }
      await peer.send(some(id, 1))
      await peer.send(some(id, 2))
    })
    ends('a record that is missing', async (peer, id) => {
      peer.connection.raw.tamper = () => []
      await peer.send(some(id, 1))
      peer.connection.raw.tamper = bytes => [bytes]
      await peer.send(some(id, 2))
    })
    ends('a record of no bytes', async peer => {
      peer.connection.raw.socket.write(Buffer.of(0, 0))
    })
    ends('a record shorter than its tag', async peer => {
      peer.connection.raw.socket.write(Buffer.concat([Buffer.of(0, 15), randomBytes(15)]))
    })
    ends('1 MiB of random bytes', async peer => {
      peer.connection.raw.socket.write(randomBytes(MIB))
    })
    ends(
      'a record that is cut, and FIN',
      async peer => {
        peer.connection.raw.socket.end(Buffer.concat([Buffer.of(1, 0), randomBytes(100)]))
      },
      'ERR_NOISE_TRUNCATED'
    )

    it(`100,000 empty records: ${RECORD}`, () =>
      scene.underAttack('100,000 empty records', { codes: [RECORD] }, async () => {
        const forger = new RecordForger()
        using peer = await Attacker.secure(scene.port, { crypto: forger.crypto })
        for (let i = 0; i < 100 && !peer.raw.socket.destroyed; i++) {
          const batch = Array.from({ length: 1_000 }, () => forger.seal(new Uint8Array(0)))
          peer.raw.socket.write(Buffer.concat(batch))
          await new Promise(resolve => setImmediate(resolve))
        }
        await peer.over()
      }))
  })

  describe('after all of them', () => {
    it('nothing is held of what is gone', () => scene.assertNothingLeft())
  })
})

/** Flips a bit of the byte `at` of the send number `send`, and of no other. */
function flipping(send: number, at: number): Tamper {
  let sends = 0
  return bytes => {
    if (sends++ !== send) return [bytes]
    const changed = Buffer.from(bytes)
    changed[at % changed.length] = (changed[at % changed.length] ?? 0) ^ 0x10
    return [changed]
  }
}

/** A private key that claims `publicKey` and signs as it likes. */
function keyWith(
  publicKey: PublicKey,
  sign: (text: Uint8Array) => Promise<Uint8Array>
): PrivateKey {
  return {
    type: publicKey.type,
    publicKey,
    raw: new Uint8Array(0),
    equals: () => false,
    sign: (text: Uint8Array | { subarray(): Uint8Array }) =>
      sign(text instanceof Uint8Array ? text : text.subarray())
  } as unknown as PrivateKey
}

/** A public RSA key of that size; nobody has the private one. */
function rsaKey(bits: number): PublicKey {
  const modulus = randomBytes(bits / 8)
  modulus[0] = (modulus[0] ?? 0) | 0x80
  const key = createPublicKey({
    key: { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' },
    format: 'jwk'
  })
  const raw = key.export({ type: 'spki', format: 'der' })
  return { type: 'RSA', raw } as unknown as PublicKey
}
