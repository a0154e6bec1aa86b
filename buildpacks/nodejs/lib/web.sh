# What `web` is when there is no Procfile: the start script, or what npm has instead (server.js), or
# else the site that the build made.

choose_web() {
  if [[ -n $start_script || -f server.js ]]; then
    echo 'npm start' >.paas/web
  else
    local root
    for root in dist build out; do
      [[ -f $root/index.html ]] || continue
      source "$pack_dir/../lib/static.sh"
      serve_static "$root" built
      return
    done
    [[ -f Procfile ]] || warn 'No start script in package.json, and the build made no site in dist, build or out: nothing to run for web.'
  fi
}
