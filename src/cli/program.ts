import { Command } from 'commander'
import { loadAllTopics, loadTopicOf } from './topics.ts'

/**
 * The program with the commands that this command line may need: one topic, or all of them for help
 * and mistakes.
 */
export async function createProgram(argv: string[] = []): Promise<Command> {
  const program = new Command('paas')
    .description('Deploy apps with git push, and manage apps, config vars, releases, builds and logs on a paas server.')
    .helpOption('-h, --help', 'show help for a command')
    .helpCommand('help [command]', 'show help for a command')
    .option('-V, --version', 'print the version')
    .addHelpText('after', firstSteps)
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({ outputError: () => undefined })
    .configureHelp({ showGlobalOptions: false, subcommandTerm: (command) => command.name() })
  const name = argv[0] === 'help' ? argv[1] : argv[0]
  if (!(await loadTopicOf(name, program, createProgram))) await loadAllTopics(program, createProgram)
  return program
}

const firstSteps = `
First steps, in the git repository of an app:
  $ paas create acme          create the app and the git remote "paas"
  $ git push paas main        build and deploy it
  $ paas open                 open it in the browser
  $ paas logs --tail          follow its log

Every command accepts --json; commands about an app accept -a NAME (default: the app of the git remote "paas").
Settings: PAAS_URL and PAAS_TOKEN set the server and the token, instead of the login stored by "paas login".`
