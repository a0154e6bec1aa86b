# What `web` is when there is no Procfile: the start script, or else what the build made: the server
# of a framework, as its own documentation starts it, or a site. A pack says how its runtime runs a
# start script ($run_start) and a file ($run_file).

choose_web() {
  local at=${app_directory:+$app_directory/} server='' site='' whole=''
  find_server
  if [[ -n $start_command ]] && ! is_superseded; then
    run_in_web "$run_start"
  elif [[ -z $start_command && $run_file == node && -f ${at}server.js ]]; then
    run_in_web "$run_start"
  elif [[ -n $server ]]; then
    run_in_web "$server"
  elif [[ -n $production_script ]]; then
    run_in_web "${run_start% *} run start:prod"
  elif find_site; then
    source "$javascript/../static.sh"
    serve_static "$site" built
  elif [[ -n $start_command ]]; then
    run_in_web "$run_start"
  elif [[ -n $entry && $run_file == bun ]]; then
    run_in_web "bun run $entry"
  elif [[ ! -f Procfile ]]; then
    explain_nothing_to_run
  fi
  [[ -n $server$site ]] || look_for_command
  [[ -z $site$whole || -n $app_directory ]] || leave_out_modules
}

# What needs node_modules no more goes without: a server with its own copy of what it needs, or a
# site. It stays for the next build. A runtime that lies in it keeps it.
leave_out_modules() {
  [[ -d node_modules && ! -d node_modules/.paas ]] && ! keeps_dev || return 0
  local other
  other=$("$built_in_node/bin/node" "$javascript/alone.mjs" "$whole" "$(<.paas/web)")
  if [[ -z $other ]]; then
    detail "node_modules is left out: ${site:-$whole} has all that runs"
    spare_tree node_modules
  else
    detail "node_modules stays for $other, although ${site:-$whole} does without"
  fi
}

run_in_web() { echo "${app_directory:+cd $app_directory && }$1" >.paas/web; }

# A start script of a template for development, which would compile again in each dyno, or a server
# that the framework itself does not start so any more.
is_superseded() {
  [[ -n $server && $start_command == 'next start' && -f ${at}.next/standalone/server.js ]] ||
    [[ $start_command =~ ^(ng serve|react-scripts start|gatsby (develop|start)|docusaurus start|vite( dev| --.*)?$|vite dev|astro dev|next dev|nuxt dev|nest start|vue-cli-service serve|parcel|webpack(-dev-server| serve)) ]]
}

find_server() {
  if [[ -f ${at}.next/standalone/server.js ]]; then
    complete_standalone
    whole=.next/standalone/server.js
    server="HOSTNAME=0.0.0.0 $run_file .next/standalone/server.js"
  elif [[ -f ${at}.next/BUILD_ID ]]; then
    server='next start'
  elif [[ -f ${at}.output/server/index.mjs ]]; then
    whole=.output/server/index.mjs
    server="HOST=0.0.0.0 $run_file .output/server/index.mjs"
  elif [[ -f ${at}build/index.js && -f ${at}build/handler.js ]]; then
    server="PROTOCOL_HEADER=x-forwarded-proto $run_file build"
  elif [[ -f ${at}dist/server/entry.mjs ]]; then
    server="HOST=0.0.0.0 $run_file dist/server/entry.mjs"
  elif [[ -f ${at}build/server/index.js && -e node_modules/.bin/react-router-serve ]]; then
    server='react-router-serve build/server/index.js'
  elif [[ -f ${at}dist/main.js && -d node_modules/@nestjs/core ]]; then
    server="$run_file dist/main.js"
  else
    set -- "${at}"dist/*/server/server.mjs
    [[ ! -f $1 ]] || server="$run_file ${1#"$at"}"
  fi
}

# Next.js leaves these two for others to copy (nextjs.org, output: standalone).
complete_standalone() {
  local part
  mkdir -p "${at}.next/standalone/.next"
  for part in .next/static public; do
    [[ -d $at$part && ! -e ${at}.next/standalone/$part ]] || continue
    cp -a "$at$part" "${at}.next/standalone/$part"
  done
}

find_site() {
  for site in "$at"{dist,build,out,.output/public,build/client} "$at"dist/*/browser; do
    [[ ! -f $site/index.html ]] || return 0
  done
  # Gatsby's, and the source of others.
  site=${at}public
  [[ -f $site/index.html && $start_command == gatsby* ]] && return
  site=
  return 1
}

# The command of a start script that is none: most are development dependencies.
look_for_command() {
  [[ -n $start_command ]] || return 0
  local word
  for word in $start_command; do [[ $word == *=* || $word == cross-env ]] || break; done
  [[ $word =~ ^[a-z][a-z0-9-]*$ && ! -e node_modules/.bin/$word && ! -e ${at}node_modules/.bin/$word ]] || return 0
  ! command -v "$word" >/dev/null || return 0
  warn "The start script runs $word, which is not installed. If it is in devDependencies, move it: they are removed after the build." \
    "Run: $manager install $word  Or keep all of them: paas config:set NPM_CONFIG_PRODUCTION=false"
}

explain_nothing_to_run() {
  if [[ $workspace_apps == *$'\n'* ]]; then
    warn 'Several packages of the workspace have a start script, and nothing says which one is the app:' \
      "  ${workspace_apps//$'\n'/, }" "Choose one: paas config:set PROJECT_PATH=${workspace_apps%%$'\n'*}"
  elif [[ -d node_modules/@sveltejs/adapter-auto ]]; then
    warn 'SvelteKit has built nothing to run here. Run: npm install @sveltejs/adapter-node  Then name it in svelte.config.js.'
  else
    warn 'No start script in package.json, and the build made no site in dist, build or out: nothing to run for web.' \
      'Say what starts it, for example: "scripts": { "start": "node src/app.js" }'
  fi
}
