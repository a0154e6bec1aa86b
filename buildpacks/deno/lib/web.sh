# `web` is the task `start`, or else the usual file.

choose_web() {
  if [[ -n $start_task ]]; then
    echo 'deno task start' >.paas/web
  elif [[ -n $serves ]]; then
    # shellcheck disable=SC2016 # the dyno expands it
    echo "deno serve -A --host 0.0.0.0 --port \$PORT $entry" >.paas/web
  elif [[ -n $entry ]]; then
    echo "deno run -A $entry" >.paas/web
  elif [[ ! -f Procfile ]]; then
    warn 'There is no task start in deno.json and no main.ts: nothing to run for web.' \
      'Say what starts it, for example: "tasks": { "start": "deno run -A src/app.ts" }'
  fi
}
