import assert from 'node:assert/strict'
import type { Suite } from 'mocha'

/**
 * A libp2p compliance suite under `title`, of which exactly `count` tests must run and pass.
 *
 * The suites skip tests by themselves where a set-up lacks something, and a new release may bring
 * other tests: either would go unseen in a green run, so a changed count fails here.
 */
export function counted(title: string, count: number, register: () => void): void {
  describe(title, () => {
    const suite: Suite = describe('suite', register)

    // A suite of its own: mocha runs the tests of a suite before its inner suites.
    describe('count', () => {
      it(`is ${count} tests, all passed`, () => {
        const passed: string[] = []
        const others: string[] = []
        suite.eachTest(test => {
          const list = test.state === 'passed' ? passed : others
          list.push(test.title)
        })
        assert.deepEqual(others, [], 'these did not pass')
        assert.equal(passed.length, count, `the suite has changed: ${passed.join('; ')}`)
      })
    })
  })
}
