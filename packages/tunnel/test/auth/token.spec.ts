import assert from 'node:assert/strict'
import { tokenFromPassphrase } from '../../src/auth/passphrase.ts'
import { formatToken, generateToken, parseToken, TOKEN_BYTES } from '../../src/auth/token.ts'

const refused = { code: 'ERR_INVALID_TOKEN' }

describe('token', () => {
  it('round trips its text', () => {
    const text = generateToken()
    assert.match(text, /^wrt1_[a-z2-7]{58}$/)
    const token = parseToken(text)
    assert.equal(token.length, TOKEN_BYTES)
    assert.equal(formatToken(token), text)
    assert.notEqual(generateToken(), text)
  })

  it('is the text that spec.md shows', () => {
    const token = Uint8Array.from({ length: 32 }, (_, i) => i)
    assert.equal(
      formatToken(token),
      'wrt1_aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq22fxcm'
    )
  })

  it('refuses every single wrong character, cut, and addition, without repeating the text', () => {
    const text = generateToken()
    for (let i = 0; i < text.length; i++) {
      const other = text[i] === 'a' ? 'b' : 'a'
      const wrong = text.slice(0, i) + other + text.slice(i + 1)
      assert.throws(
        () => parseToken(wrong),
        (error: Error) => {
          assert.equal((error as Error & { code?: string }).code, refused.code)
          assert.ok(!error.message.includes(wrong.slice(10)), 'the message holds the secret')
          return true
        },
        `position ${i}`
      )
    }
    for (let i = 0; i < text.length; i++) assert.throws(() => parseToken(text.slice(0, i)), refused)
    for (const more of ['a', ' ', '=', '\n']) assert.throws(() => parseToken(text + more), refused)
  })

  it('refuses passphrases and what is no text', () => {
    for (const wrong of ['', 'secret', 'go.micro.tunnel', 'WRT1_AAAA', 'wrt1_', 'wrt2_aaaa']) {
      assert.throws(() => parseToken(wrong), refused)
    }
    assert.throws(() => parseToken(undefined as unknown as string), refused)
  })

  it('of a passphrase needs words enough, and a network; a signal ends the wait', async () => {
    for (const [words, network] of [
      ['too short', 'home'],
      ['fifteen letters', 'home'],
      ['correct horse battery staple', '']
    ] as const) {
      await assert.rejects(tokenFromPassphrase(words, network), refused)
    }
    const reason = new Error('no time')
    const given = tokenFromPassphrase('correct horse battery staple', 'home', {
      signal: AbortSignal.abort(reason)
    })
    await assert.rejects(given, reason)
  })
})
