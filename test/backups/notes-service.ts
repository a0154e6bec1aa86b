import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const manifest = {
  name: 'notes',
  title: 'Notes',
  family: 'notes',
  version: '1',
  attachment: 'NOTES',
  further: 'NOTES',
  port: 9000,
  config: { URL: 'notes://{user}:{password}@{host}:{port}/{database}' },
  plans: { small: { memoryMiB: 32, cpus: 1, diskMiB: 64, connections: 5 } },
}

/** What is noted is in one file. `/data/fails` lets a dump end half way, `/data/hangs` lets it go on for ever. */
const programs = {
  start: `mkdir -p /data
trap 'exit 0' TERM
while true; do sleep 1 & wait $!; done`,
  health: '[ -d /data ]',
  dump: `cat /data/notes
if [ -e /data/long ]; then head -c 64M /dev/urandom; fi
if [ -e /data/fails ]; then echo 'the notes are torn.' >&2; exit 4; fi
while [ -e /data/hangs ]; do echo more; sleep 0.1; done`,
  load: `cat >/data/next
if grep -q unloadable /data/next; then echo 'nobody can read these notes.' >&2; exit 1; fi
mv /data/next /data/notes
printf '%s' "\${LOAD_ID-}" >/data/loaded`,
  facts: `printf 'lines\\t%s\\t%s\\n' "$(wc -l </data/notes)" "$(md5sum </data/notes | cut -d ' ' -f 1)"`,
  configure: `if [ -n "\${NAME-}" ]; then printf '%s' "$VALUE" >"/data/option-$NAME"; fi
for file in /data/option-*; do
  [ ! -e "$file" ] || printf '%s\\t%s\\n' "\${file#/data/option-}" "$(cat "$file")"
done`,
}

/** Puts a small service of one's own into a data directory; `without`: not with these programs. */
export async function addNotesService(
  dataDirectory: string,
  { name = 'notes', without = [] }: { name?: string; without?: string[] } = {},
): Promise<void> {
  const directory = join(dataDirectory, 'services', name)
  await mkdir(directory, { recursive: true, mode: 0o755 })
  await chmod(join(dataDirectory, 'services'), 0o755)
  await chmod(directory, 0o755)
  const own = { ...manifest, name, family: name }
  await writeFile(join(directory, 'service.json'), JSON.stringify(own), { mode: 0o644 })
  await chmod(join(directory, 'service.json'), 0o644)
  for (const [program, text] of Object.entries(programs)) {
    if (without.includes(program)) continue
    await writeFile(join(directory, program), `#!/bin/bash\nset -euo pipefail\n${text}\n`)
    await chmod(join(directory, program), 0o755)
  }
}
