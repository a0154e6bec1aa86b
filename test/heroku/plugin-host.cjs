// Runs a command of a plugin that was written for Heroku's command up to version 10, as that does; 11 loads no such plugin any more:
//   node plugin-host.cjs heroku-builds builds:create -a acme --source-tar acme.tgz
const { createRequire } = require('node:module')
const path = require('node:path')
const { parseArgs } = require('node:util')

const [plugin, id, ...argv] = process.argv.slice(2)
const load = createRequire(path.join(__dirname, '../fixtures/heroku-clients/package.json'))
const command = load(plugin).commands.find(({ topic, command: name }) => id === (name ? `${topic}:${name}` : topic))
const known = [{ name: 'app', char: 'a', hasValue: true }, ...(command.flags ?? [])]
const options = known.map(({ name, char, hasValue }) => [
  name,
  { type: hasValue ? 'string' : 'boolean', ...(char && { short: char }) },
])
const { values, positionals } = parseArgs({ args: argv, options: Object.fromEntries(options), allowPositionals: true })
const { app, ...flags } = values
const args = Object.fromEntries((command.args ?? []).map(({ name }, index) => [name, positionals[index]]))
// The rest of what the command gives, such as the token, the plugin's library reads by itself.
command.run({ app, args, flags, supportsColor: false, apiUrl: process.env.HEROKU_HOST, version: 'plugin-host' })
