/**
 * What a shell in an app's container does before the command that is its first argument: it reads
 * the app's profile, as on Heroku, and sets the terminal's size (columns and rows, the other
 * arguments) before the command looks at it.
 */
export const preparation = `unset TINI_KILL_PROCESS_GROUP
for paas_script in /app/.profile.d/*.sh; do
  if [ -f "$paas_script" ]; then . "$paas_script"; fi
done
if [ -f /app/.profile ]; then . /app/.profile; fi
unset paas_script
set +eu
if [ -n "$2" ]; then stty cols "$2" rows "$3"; fi
`
