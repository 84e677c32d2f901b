// `npm start` is `warren demo`; `npm start -- share 3000` is the command itself.
//
// The command runs in this process, not in a child: so signals, the terminal and the exit code are
// its own, and nothing has to be forwarded.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const command = new URL('../packages/warren/dist/src/cli/main.js', import.meta.url)

if (!existsSync(fileURLToPath(command))) {
  process.stderr.write('warren is not built yet: run "npm run setup" first\n')
  process.exit(1)
}
const args = process.argv.slice(2)
process.argv = [process.argv[0], fileURLToPath(command), ...(args.length === 0 ? ['demo'] : args)]
await import(command.href)
