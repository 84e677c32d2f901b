// Loaded before every spec: what no test may do. An unhandled rejection already fails mocha; a leaked
// listener warning fails here; and what keeps the process alive after the tests is named, then fails the run.
const LEAK_WARNINGS = new Set([
  'MaxListenersExceededWarning',
  'TimeoutNegativeWarning',
  'TimeoutOverflowWarning'
])
const GRACE_MS = 15_000
const leaks = []

process.on('warning', warning => {
  if (LEAK_WARNINGS.has(warning.name)) leaks.push(warning)
})

export const mochaHooks = {
  afterEach() {
    const [leak] = leaks.splice(0)
    if (leak !== undefined) throw leak
  },
  afterAll() {
    setTimeout(() => {
      console.error(
        `the tests have ended, but these keep the process alive: ${process.getActiveResourcesInfo().join(', ')}`
      )
      process.exit(1)
    }, GRACE_MS).unref()
  }
}
