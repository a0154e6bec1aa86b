import { join } from 'node:path'
import { PaasError } from '../errors.ts'

export const unitName = 'paas.service'

/** Where an administrator's units are (systemd.unit(5)). */
export const unitPath = join('/etc/systemd/system', unitName)

/**
 * The unit of a server. KillMode lets the router outlive a restart; node itself is named, so that
 * the process that systemd knows is the server.
 * @param place.checkout of the code; `settings`: path of the settings file
 * @throws installation_failed
 */
export function formatUnit({ checkout, settings }: { checkout: string; settings: string }): string {
  return `# Made by "npm run service" and "npm run upgrade", which write it again. What is yours belongs into
# ${unitPath}.d/own.conf (systemctl edit paas).
[Unit]
Description=paas, a deployment server
Wants=network-online.target
After=network-online.target docker.service
StartLimitIntervalSec=0

[Service]
Type=exec
WorkingDirectory=${escapeSpecifiers(checkout)}
ExecStart=${quote(join(checkout, 'node_modules/.bin/node'))} dist/server.js
Environment=${quote(`PAAS_SETTINGS=${settings}`)}
KillMode=process
Restart=always
RestartSec=2
TimeoutStopSec=60
LimitNOFILE=65536
OOMPolicy=continue

[Install]
WantedBy=multi-user.target
`
}

/**
 * One word of a line (systemd.syntax(7)).
 * @throws installation_failed for a path that systemd takes for no program's, however it is written
 */
function quote(word: string): string {
  if (/^[\w/.=:@+,%~-]+$/.test(word)) return escapeSpecifiers(word)
  if (/^[\w/.=:@+,%~ -]+$/.test(word)) return `"${escapeSpecifiers(word)}"`
  throw new PaasError('installation_failed', `systemd runs nothing in ${JSON.stringify(word)}.`, {
    hint: 'Move the clone, and the settings file, to a path of letters and digits, such as /srv/paas.',
  })
}

function escapeSpecifiers(text: string): string {
  return text.replaceAll('%', '%%')
}
