# Serving a directory of files with nginx: for the static pack, and for Node.js apps whose build
# makes a site.

# serve_static ROOT [built]: `web` serves ROOT of the app. `built`: a site made by a build tool,
# most likely with its own router.
serve_static() {
  local root=$1 kind=${2:-plain}
  mkdir -p .paas
  if ! /usr/lib/paas/bin/node "$(dirname "${BASH_SOURCE[0]}")/nginx-conf.mjs" "$root" "$kind" >.paas/nginx.conf 2>"$run_log"; then
    fail "$(head -1 "$run_log")"
  fi
  cp "$(dirname "${BASH_SOURCE[0]}")/serve-static" .paas/serve-static
  echo .paas/serve-static >.paas/web
  detail "Serving the files of $root with nginx"
}

# find_site: sets $site to where the site is: what static.json says, or the first of the usual
# places.
find_site() {
  local root
  if [[ -f static.json ]]; then
    root=$(/usr/lib/paas/bin/node -p "$read_root" 2>/dev/null) || fail 'static.json is not a JSON object'
    site=$(realpath -ms --relative-to=. "./$root")
    [[ $site != ..* && -d $site ]] || fail "static.json: root is \"$root\", which is not a directory of the app"
  else
    for site in . public dist; do [[ ! -f $site/index.html ]] || return 0; done
  fi
}

read_root='
  const settings = JSON.parse(fs.readFileSync("static.json", "utf8"))
  if (typeof settings !== "object" || Array.isArray(settings)) throw new TypeError()
  String(settings.root ?? "public_html")
'
