// Mocha's spec reporter, which also writes its counts to a file and prints why a test was skipped.
// A test skips itself with `skip(this, reason)` from test/support/skip.ts, which leaves the reason on it.
const { writeFileSync } = require('node:fs')
const { reporters } = require('mocha')

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options)
    const skipped = []
    runner.on('pending', test =>
      skipped.push(`${test.fullTitle()}: ${test.skipReason ?? 'NO REASON GIVEN'}`)
    )
    runner.once('end', () => {
      const { passes, failures, pending } = runner.stats
      for (const line of skipped) console.log(`  skipped: ${line}`)
      const unexplained = skipped.filter(line => line.endsWith('NO REASON GIVEN')).length
      writeFileSync(
        options.reporterOption?.report ?? options.reporterOptions.report,
        JSON.stringify({
          passed: passes,
          failed: failures + unexplained,
          skipped: pending - unexplained
        })
      )
    })
  }
}
