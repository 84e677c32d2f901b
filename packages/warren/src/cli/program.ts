import { Command, InvalidArgumentError, Option } from 'commander'
import type { Context } from './context.ts'
import { exitCodeTable } from './exit-codes.ts'

/** Options that every command has. */
export interface CommonOptions {
  readonly home?: string
  readonly json?: boolean
  readonly quiet?: boolean
  readonly log?: 'json' | 'text'
}

/** The work of a command; the number is its exit code. */
export type Work = (context: Context) => Promise<number | void>

/** Runs the command that was named. Its module is loaded only then, so that `--help` is quick. */
export type Dispatch = (options: CommonOptions, load: () => Promise<Work>) => Promise<void>

const EXAMPLES = `Examples:
  warren share 3000                 share the program on port 3000; prints a ticket
  warren open warren:…              on another machine: prints where it is now
  warren open brave-otter           the second time the name is enough
  warren status                     what runs here, and how it is connected
  warren demo                       see it work on this machine: 1 GiB, two cut links
`

/** The table of commands. Parsing it loads nothing heavy. */
export function program(version: string, dispatch: Dispatch): Command {
  const warren = common(new Command('warren'))
    .description('Carries named channels between machines: share here, open there.')
    .version(version, '-V, --version', 'print the version')
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', '\nExit codes: warren help exit-codes')
    .configureHelp({ sortSubcommands: false, showGlobalOptions: false })
    .helpCommand(false)
    .configureOutput({
      outputError: (text, write) => write(`warren: ${text.replace(/^error: /, '')}`)
    })
    .showHelpAfterError('see: warren help')

  const add = (name: string, summary: string, examples: readonly string[]): Command => {
    const command = common(warren.command(name)).summary(summary).description(summary)
    command.showHelpAfterError(`see: warren help ${name}`)
    return command.addHelpText('before', `Examples:\n${examples.map(e => `  ${e}\n`).join('')}`)
  }

  add('share', 'share a port or socket of this machine; prints a ticket', [
    'warren share 3000                      the program on localhost:3000',
    'warren share 192.168.1.9:22 --as nas   a port of another machine, under a name',
    'warren share unix:/run/app.sock        a unix socket',
    'warren share 3000 --expires 24h        the ticket ends tomorrow'
  ])
    .argument('<target>', 'port, host:port, tcp://host:port or unix:/path')
    .option('--as <name>', 'name of the channel (default: made up once for each target)')
    .option('--expires <time>', 'how long the ticket can be used, such as 24h (default: 30d)')
    .option('--uses <n>', 'how many machines may use the ticket', wholeNumber)
    .option('--announce <multiaddr>', 'put this address in the ticket instead of our own', list)
    .option('--listen <multiaddr>', 'listen there instead of on all interfaces', list)
    .option('--relay <multiaddr>', 'be reachable through this relay too', list)
    .option('--allow <peer>', 'only this peer may open it (its "warren key")', list)
    .option('--allow-file <file>', 'or those of a file, one in a line; read again when it changes')
    .option('--psk-file <file>', 'pre-shared key of the network: a libp2p key file')
    .option('--no-check', 'share although nothing listens on the target yet')
    .option('--token-file <file>', 'let holders of this network token in too (- for stdin)')
    .option('--peer <multiaddr>', 'keep a link to this node of the network', list)
    .option('--dht', 'let holders of the network token find it, by any node of the network')
    .option('--lan', 'let holders of the network token on this local network find it')
    .option('--while-stdin', 'end when standard input ends, for programs that start warren')
    .action((target: string, _options: unknown, command: Command) =>
      dispatch(command.optsWithGlobals(), async () => {
        const { share } = await import('./commands/share.ts')
        return context => share(context, target, command.opts())
      })
    )

  add('open', 'open what another machine shares; prints where it is', [
    'warren open warren:…                   a free port of this machine',
    'warren open warren:… 8080              127.0.0.1:8080',
    'warren open warren:… unix:/tmp/a.sock  a unix socket',
    'warren open brave-otter                opened before: the name is enough',
    'warren open - < ticket.txt             the ticket from standard input'
  ])
    .argument('[ticket]', 'a ticket, - for standard input, or a name opened before')
    .argument('[listen]', 'port, host:port or unix:/path (default: a free port, kept)')
    .option('--ticket-file <file>', 'read the ticket from a file')
    .option('--timeout <time>', 'how long the first connection may take', '30s')
    .option('--as <name>', 'name to remember it by (default: the name it is shared under)')
    .option('--peer <multiaddr>', 'open a channel of this peer by the network token', list)
    .option('--dht', 'find who shares the channel, by the network token; --peer is any node')
    .option('--lan', 'find who shares the channel on this local network, by the network token')
    .option('--token-file <file>', 'the network token (- for stdin; default: the one kept here)')
    .option('--psk-file <file>', 'pre-shared key of the network: a libp2p key file')
    .option('--while-stdin', 'end when standard input ends, for programs that start warren')
    .action((ticket: string | undefined, listen: string | undefined, _o: unknown, c: Command) =>
      dispatch(c.optsWithGlobals(), async () => {
        const { open } = await import('./commands/open.ts')
        return context => open(context, ticket, listen, c.opts())
      })
    )

  add('status', 'what warren processes run here, and how they are connected', [
    'warren status',
    'warren status --json'
  ])
    .option('--all', 'those of other state directories too')
    .action((_options: unknown, command: Command) =>
      dispatch(command.optsWithGlobals(), async () => {
        const { status } = await import('./commands/status.ts')
        return context => status(context, command.opts())
      })
    )

  add('ping', 'measure the way to a peer', [
    'warren ping brave-otter',
    'warren ping warren:… --count 10',
    'warren ping /ip4/192.168.1.9/tcp/4001/p2p/12D3…'
  ])
    .argument('<peer>', 'a name opened before, a ticket (- for stdin), or an address with /p2p/…')
    .option('--count <n>', 'how often', wholeNumber, 3)
    .option('--timeout <time>', 'how long one answer may take', '10s')
    .action((peer: string, _options: unknown, command: Command) =>
      dispatch(command.optsWithGlobals(), async () => {
        const { ping } = await import('./commands/ping.ts')
        return context => ping(context, peer, command.opts())
      })
    )

  add('why', 'which ways to a peer were tried, how each went, and which is in use', [
    'warren why brave-otter',
    'warren why warren:…',
    'warren why /ip4/192.168.1.9/tcp/4001/p2p/12D3… --json'
  ])
    .argument('<peer>', 'a name, a ticket (- for stdin), a peer id, or an address with /p2p/…')
    .option('--timeout <time>', 'how long the dial may take', '15s')
    .option('--psk-file <file>', 'pre-shared key of the network: a libp2p key file')
    .action((peer: string, _options: unknown, command: Command) =>
      dispatch(command.optsWithGlobals(), async () => {
        const { why } = await import('./commands/why.ts')
        return context => why(context, peer, command.opts())
      })
    )

  add('relay', 'carry the connections of peers that cannot be reached directly', [
    'warren relay --allow 12D3…             for the peer with this id ("warren key" prints it)',
    'warren relay --allow-file members.txt  for those in a file, one peer id in a line',
    'warren relay --psk-file swarm.key      for a network with a pre-shared key',
    'warren share 3000 --relay /ip4/…       on the peer: be reachable through it'
  ])
    .option('--allow <peer>', 'peer id of a member of the network', list)
    .option('--allow-file <file>', 'peer ids of members, one in a line; read again when it changes')
    .option('--psk-file <file>', 'pre-shared key of the network: a libp2p key file')
    .addOption(
      new Option('--strangers <limits>', 'what others get: 128 KiB and 2 min, or no seat')
        .choices(['none', 'small'])
        .default('small')
    )
    .option('--data <size>', 'bytes of one connection to a member', '16G')
    .option('--time <time>', 'duration of one connection to a member', '24h')
    .option('--listen <multiaddr>', 'listen there instead of on all interfaces', list)
    .option('--announce <multiaddr>', 'address of this relay as others see it', list)
    .option('--while-stdin', 'end when standard input ends, for programs that start warren')
    .action((_options: unknown, command: Command) =>
      dispatch(command.optsWithGlobals(), async () => {
        const { relay } = await import('./commands/relay.ts')
        return context => relay(context, command.opts())
      })
    )

  add('key', "this machine's identity, its file, or the network's token", [
    'warren key                 the peer id',
    'warren key path            the file of the private key',
    'warren key token > token   the token of the network; keep it secret'
  ])
    .argument('[what]', 'show, path or token', oneOf('show', 'path', 'token'), 'show')
    .action((what: 'show' | 'path' | 'token', _options: unknown, command: Command) =>
      dispatch(command.optsWithGlobals(), async () => {
        const { key } = await import('./commands/key.ts')
        return context => key(context, what)
      })
    )

  tickets(warren, dispatch)

  add('demo', 'see it work here: 1 GiB through two processes while the link is cut', [
    'warren demo',
    'warren demo --size 64M'
  ])
    .option('--size <size>', 'size of the file', '1G')
    .option('--cuts <n>', 'how often the link is cut', wholeNumber, 2)
    .action((_options: unknown, command: Command) =>
      dispatch(command.optsWithGlobals(), async () => {
        const { demo } = await import('./commands/demo.ts')
        return context => demo(context, command.opts())
      })
    )

  warren
    .command('help [topic...]')
    .summary('help for a command, or: exit-codes')
    .description('help for a command, or: exit-codes')
    .action((topic: readonly string[]) => help(warren, topic))

  return warren
}

function tickets(warren: Command, dispatch: Dispatch): void {
  const ticket = warren.command('ticket').summary('make, list and revoke tickets')
  ticket
    .description('make, list and revoke tickets')
    .addHelpText(
      'before',
      `Examples:
  warren ticket new brave-otter --expires 1h   another ticket for a share of this machine
  warren ticket ls                             tickets issued here
  warren ticket revoke 3f…                     end one: live sessions too, within 5 s
`
    )
    .helpCommand(false)
    .showHelpAfterError('see: warren help ticket')
  common(ticket.command('new'))
    .summary('make another ticket for a share of this machine')
    .argument('<name>', 'name of the share')
    .option('--expires <time>', 'how long it can be used', '30d')
    .option('--uses <n>', 'how many machines may use it', wholeNumber)
    .option('--announce <multiaddr>', 'put this address in it instead of our own', list)
    .action((name: string, _options: unknown, command: Command) =>
      dispatch(command.optsWithGlobals(), async () => {
        const { ticketNew } = await import('./commands/ticket.ts')
        return context => ticketNew(context, name, command.opts())
      })
    )
  common(ticket.command('ls'))
    .summary('list the tickets that were issued here')
    .action((_options: unknown, command: Command) =>
      dispatch(command.optsWithGlobals(), async () => {
        const { ticketLs } = await import('./commands/ticket.ts')
        return context => ticketLs(context)
      })
    )
  common(ticket.command('revoke'))
    .summary('end a ticket, and the sessions of those who hold it')
    .argument('<ticket>', 'its id or the beginning of it, the ticket itself, or - for stdin')
    .action((which: string, _options: unknown, command: Command) =>
      dispatch(command.optsWithGlobals(), async () => {
        const { ticketRevoke } = await import('./commands/ticket.ts')
        return context => ticketRevoke(context, which)
      })
    )
}

function common(command: Command): Command {
  return command
    .option('--home <dir>', 'state directory (default: WARREN_HOME, or the XDG one)')
    .option('--json', 'one JSON object in a line on standard output')
    .option('-q, --quiet', 'only errors on standard error')
    .addOption(new Option('--log <format>', 'lines on standard error').choices(['text', 'json']))
}

/** `topic`: the names of a command and of one below it, such as `ticket new`. */
function help(warren: Command, topic: readonly string[]): void {
  if (topic.join() === 'exit-codes') {
    process.stdout.write(`Exit codes of warren:\n${exitCodeTable()}\n`)
    return
  }
  let command: Command | undefined = warren
  for (const name of topic) {
    command = command?.commands.find(candidate => candidate.name() === name)
  }
  if (command === undefined) warren.error(`error: unknown command '${topic.join(' ')}'`)
  else command.outputHelp()
}

function list(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value]
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!/^\d{1,6}$/.test(text) || value < 1) {
    throw new InvalidArgumentError('It must be a whole number from 1 to 999999.')
  }
  return value
}

function oneOf(...choices: string[]): (text: string) => string {
  return text => {
    if (choices.includes(text)) return text
    throw new InvalidArgumentError(`It is one of ${choices.join(', ')}.`)
  }
}
