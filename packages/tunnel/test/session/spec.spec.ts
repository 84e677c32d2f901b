import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { sealHint, sealKey, sealPrologue } from '../../src/auth/session-seal.ts'
import { REFUSE, RESET } from '../../src/session/codes.ts'
import {
  encodeAck,
  encodeDataHeader,
  encodeDone,
  encodeEnd,
  encodeReset,
  encodeSync
} from '../../src/session/frames.ts'
import { HeadDecoder, encodeHead, encodeSealedHead } from '../../src/session/heads.ts'
import { encodeGap, encodeMessage } from '../../src/session/message-codec.ts'
import { answerResume, isAnswerProven, isResumeProven } from '../../src/session/resume-proof.ts'
import { TRANSITIONS } from '../../src/session/session-life.ts'

const spec = readFileSync(new URL('../../../spec.md', import.meta.url), 'utf8')
const sessions = spec.slice(spec.indexOf('## Sessions'))
const block = sessions.slice(sessions.indexOf('### Vectors')).match(/```text\n([\s\S]*?)```/)?.[1]

/** The vectors of spec.md, by name. */
const vectors = new Map(
  (block ?? '')
    .trim()
    .split('\n')
    .map(line => [line.split(/\s+/)[0] ?? '', line.replace(/^\S+|\s/g, '')])
)

const id = Uint8Array.from({ length: 16 }, (_, i) => i)
const secret = Uint8Array.from({ length: 32 }, (_, i) => 0x20 + i)
const position = { received: 1_024, sent: 1_048_576 }

function hex(...parts: Uint8Array[]): string {
  return Buffer.concat(parts).toString('hex')
}

describe('session spec', () => {
  const text = Buffer.from('abc')
  const encoded: Record<string, string> = {
    open: hex(
      encodeHead({
        type: 'open',
        id,
        epoch: 0,
        mode: 'unicast',
        bytes: true,
        limit: 65_536,
        channel: 'orders'
      })
    ),
    multicast: hex(
      encodeHead({
        type: 'open',
        id,
        epoch: 0,
        mode: 'multicast',
        bytes: false,
        limit: 65_536,
        channel: 'orders'
      })
    ),
    accept: hex(encodeHead({ type: 'accept', secret, limit: 65_536 })),
    refuse: hex(encodeHead({ type: 'refuse', code: REFUSE.channel })),
    resume: hex(encodeHead({ type: 'resume', id, epoch: 3, ...position, proof: secret })),
    resumed: hex(encodeHead({ type: 'resumed', ...position, proof: secret })),
    data: hex(encodeDataHeader(2 ** 32, 3, true), text),
    ack: hex(encodeAck(1_024, 66_560)),
    sync: hex(encodeSync(1_024)),
    end: hex(encodeEnd(1_024)),
    reset: hex(encodeReset(0x1267, 'no more paper')),
    done: hex(encodeDone()),
    gap: hex(encodeGap(7)),
    message: hex(
      encodeMessage(
        { headers: { a: '1' }, body: Buffer.from('bod') },
        { maxMessageBytes: 100, headerBytes: 100 }
      )
    )
  }

  for (const [name, bytes] of Object.entries(encoded)) {
    it(`has the bytes of ${name}`, () => assert.equal(bytes, vectors.get(name)))
  }

  it('has the proofs of a resume and of its answer', () => {
    const vector = Buffer.from(vectors.get('resume') ?? '', 'hex')
    const head = new HeadDecoder().push(vector)?.head
    assert.ok(head?.type === 'resume')
    assert.equal(isResumeProven(secret, head), false)
    const proof = Buffer.from(vectors.get('proof') ?? '', 'hex')
    const proven = { ...head, proof: new Uint8Array(proof) }
    assert.equal(isResumeProven(secret, proven), true)
    const answer = answerResume(position, head, secret)
    assert.equal(hex(answer.proof), vectors.get('answer'))
    assert.equal(isAnswerProven(secret, head, answer), true)
    // Every part of the statement counts, and the role.
    for (const change of [
      { epoch: 4 },
      { received: 1_025 },
      { sent: 0 },
      { id: secret.slice(16) }
    ]) {
      assert.equal(isResumeProven(secret, { ...proven, ...change }), false)
    }
    assert.equal(isAnswerProven(secret, head, { ...answer, proof: proven.proof }), false)
  })

  it('has the seal of an open', () => {
    const open = new HeadDecoder().push(Buffer.from(vectors.get('open') ?? '', 'hex'))?.head
    assert.ok(open?.type === 'open')
    const key = sealKey(secret, open.channel)
    assert.equal(hex(key), vectors.get('sealKey'))
    const head = encodeSealedHead(sealHint(key, open.id, open.epoch), open)
    assert.equal(hex(head), vectors.get('sealed'))
    const [dialler, acceptor] = [0x40, 0x60].map(first =>
      // An Ed25519 public key as identity multihash.
      Uint8Array.of(0, 36, 8, 1, 18, 32, ...Array.from({ length: 32 }, (_, i) => first + i))
    )
    assert.ok(dialler !== undefined && acceptor !== undefined)
    const prologue = sealPrologue({ key, dialler, acceptor, head })
    assert.equal(createHash('sha256').update(prologue).digest('hex'), vectors.get('prologue'))
  })

  it('has the codes and the state table of the source', () => {
    for (const code of [...Object.values(REFUSE), ...Object.values(RESET)]) {
      assert.match(sessions, new RegExp(`^\\| ${code} \\|`, 'm'))
    }
    const events = [
      'attach',
      'detach',
      'finish',
      'abort',
      'peer-reset',
      'peer-done',
      'fault',
      'lose'
    ] as const
    for (const [state, moves] of Object.entries(TRANSITIONS)) {
      const row = sessions.match(new RegExp(`^\\| ${state} \\|(.*)\\|$`, 'm'))?.[1]
      const cells = row?.split('|').map(cell => cell.trim())
      const expected = events.map(event => moves[event] ?? '–')
      assert.deepEqual(
        cells?.map(cell => (cell === '*fault*' ? '–' : cell)),
        expected,
        state
      )
    }
  })
})
