# What package managers and build tools say, and what to do about it.

# run_or_explain COMMAND...: as run_or_fail, with the remedy where the mistake is known.
run_or_explain() {
  local status=0
  run "$@" || status=$?
  ((status == 0)) && return
  explain_node
  fail "$(describe "$@") exited with $status"
}

# Fails with the remedy for the mistakes that are made most.
explain_node() {
  if said 'JavaScript heap out of memory|Reached heap limit'; then
    fail 'the build ran out of heap' 'Give it more in its own script, for example: "build": "NODE_OPTIONS=--max-old-space-size=1536 next build"' \
      'A build has 2048 MiB altogether, unless the operator of this server sets PAAS_BUILD_MEMORY_MIB.'
  elif said 'ERR_PNPM_UNSUPPORTED_ENGINE|The engine "node" is incompatible|code EBADENGINE'; then
    fail 'a package needs another version of Node.js' \
      "This is ${node_version:-Bun}. Ask for the one that the lines above name: \"engines\": { \"node\": \"24.x\" } in package.json"
  elif said 'code E40[13]|ERR_PNPM_FETCH_40[13]|40[13] (Unauthorized|Forbidden)'; then
    fail 'the package registry wants a login' \
      'Give it a token: paas config:set NPM_TOKEN=…  and in .npmrc: //registry.example.com/:_authToken=${NPM_TOKEN}'
  elif said 'code E404|ERR_PNPM_FETCH_404|Couldn.t find package|YN0035|404 while resolving|failed to resolve'; then
    fail 'a package is not in the registry' 'The lines above say which. Correct its name; for a private one give its registry in .npmrc.'
  elif said '(code|error|errno:?) *(ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ERR_SOCKET_TIMEOUT)|ERR_PNPM_META_FETCH_FAIL|ConnectionRefused|network connectivity|getaddrinfo'; then
    fail 'the package registry is not reached' \
      'The lines above say which one. Is it down, or closed to builds? The config var NPM_CONFIG_REGISTRY names another.'
  elif said 'fatal error: .*\.h: No such file|Package .* (was )?not found|pkg-config: (command )?not found|cannot find -l'; then
    fail 'a native package lacks a C library' \
      'The lines above say which. Name its Debian package with headers in an Aptfile, for example: echo libvips-dev >> Aptfile'
  elif said 'gyp ERR!'; then
    fail 'a native package could not be compiled' \
      'The lines above say why. Often it is too old for this Node.js: update it, or ask for an older one with engines.node in package.json.'
  elif said "(sh|bash): (line )?[0-9]+: [^ ]+: (command )?not found|command not found: "; then
    fail 'a script runs a program that is not installed' \
      'The lines above say which. Add its package to package.json (devDependencies are there while the app is built), and push again.'
  fi
}
