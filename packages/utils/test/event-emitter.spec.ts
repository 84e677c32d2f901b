import assert from 'node:assert/strict'
import { once } from 'node:events'
import { EventEmitter } from '../src/index.ts'

interface Events {
  drain: Event
  end: CustomEvent<number>
}

describe('EventEmitter', () => {
  function setup(): { emitter: EventEmitter<Events>; log: string[] } {
    return { emitter: new EventEmitter<Events>(), log: [] }
  }

  it('tells the listeners of a type, in order, and each once', () => {
    const { emitter, log } = setup()
    const first = (): unknown => log.push('first')
    emitter.addEventListener('drain', first)
    emitter.addEventListener('drain', first)
    emitter.addEventListener('drain', { handleEvent: event => log.push(event.type) })
    emitter.addEventListener('end', () => log.push('other'))
    assert.equal(emitter.listenerCount('drain'), 2)
    emitter.safeDispatchEvent('drain')
    assert.deepEqual(log, ['first', 'drain'])
  })

  it('passes the detail on, and says whether the default was prevented', () => {
    const { emitter } = setup()
    let detail = 0
    emitter.addEventListener('end', event => {
      detail = event.detail
      event.preventDefault()
    })
    const event = new CustomEvent('end', { detail: 7, cancelable: true })
    assert.equal(emitter.dispatchEvent(event), false)
    assert.equal(detail, 7)
    assert.equal(emitter.dispatchEvent(new Event('drain')), true)
  })

  it('forgets a listener that is removed, was for once, or whose signal fires', () => {
    const { emitter, log } = setup()
    const stop = new AbortController()
    const gone = (): unknown => log.push('gone')
    emitter.addEventListener('drain', gone)
    emitter.removeEventListener('drain', gone)
    emitter.removeEventListener('drain', gone)
    emitter.addEventListener('drain', () => log.push('once'), { once: true })
    emitter.addEventListener('drain', () => log.push('signal'), { signal: stop.signal })
    emitter.addEventListener('drain', gone, { signal: AbortSignal.abort() })
    emitter.safeDispatchEvent('drain')
    stop.abort()
    emitter.safeDispatchEvent('drain')
    assert.deepEqual(log, ['once', 'signal'])
    assert.equal(emitter.listenerCount('drain'), 0)
  })

  it('does not call during a dispatch what was removed or added in it', () => {
    const { emitter, log } = setup()
    const later = (): unknown => log.push('later')
    const last = (): unknown => log.push('last')
    emitter.addEventListener('drain', () => {
      log.push('first')
      emitter.removeEventListener('drain', later)
      emitter.addEventListener('drain', () => log.push('added'), { once: true })
    })
    emitter.addEventListener('drain', later)
    emitter.addEventListener('drain', last)
    emitter.safeDispatchEvent('drain')
    assert.deepEqual(log, ['first', 'last'])
    emitter.safeDispatchEvent('drain')
    assert.deepEqual(log, ['first', 'last', 'first', 'last', 'added'])
  })

  it('goes on after a listener that throws, whose error is uncaught', async () => {
    const { emitter, log } = setup()
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    const uncaught = once(process, 'uncaughtException')
    try {
      emitter.addEventListener('drain', () => {
        throw new Error('of a listener')
      })
      emitter.addEventListener('drain', () => log.push('second'))
      emitter.safeDispatchEvent('drain')
      assert.deepEqual(log, ['second'])
      assert.match(String((await uncaught)[0]), /of a listener/)
    } finally {
      for (const listener of listeners) process.on('uncaughtException', listener)
    }
  })
})
