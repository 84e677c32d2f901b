#!/usr/bin/env node
// No import here: a Node that is too old must come as far as the message.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 22 || (major === 22 && minor < 12)) {
  process.stderr.write(
    `warren: needs Node.js 22.12 or newer, and this is ${process.versions.node}: ` +
      'install a newer one (https://nodejs.org)\n'
  )
  process.exitCode = 78
} else {
  import('./run.ts')
    .then(({ run }) => run(process.argv.slice(2)))
    .then(
      code => {
        process.exitCode = code
      },
      (error: unknown) => {
        process.stderr.write(`warren: ${error instanceof Error ? error.stack : String(error)}\n`)
        process.exitCode = 1
      }
    )
}

export {}
