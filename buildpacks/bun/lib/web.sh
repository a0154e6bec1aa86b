# What `web` is when there is no Procfile: the start script, the file that package.json or usage
# names, or else the site that the build made.

choose_web() {
  local root
  if [[ -n $start_script ]]; then
    echo 'bun run start' >.paas/web
  elif [[ -n $entry ]]; then
    echo "bun run $entry" >.paas/web
  else
    for root in dist build out; do
      [[ -f $root/index.html ]] || continue
      source "$pack_dir/../lib/static.sh"
      serve_static "$root" built
      return
    done
    [[ -f Procfile ]] || warn 'There is no start script in package.json, no index.ts, and no site in dist: nothing to run for web.' \
      'Say what starts it, for example: "scripts": { "start": "bun run src/index.ts" }'
  fi
}
