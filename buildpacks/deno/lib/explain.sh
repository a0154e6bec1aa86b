# What deno says, and what to do about it.

# explain: fails with the remedy for the mistakes that are made most.
explain() {
  if said 'lockfile is out of date|Integrity check failed'; then
    fail 'deno.lock does not match the code' 'Run: deno install  Then commit deno.lock, and push again.'
  elif said 'jsr\.io.*failed|JSR package manifest.*failed'; then
    fail 'JSR is not reached' 'Is jsr.io down, or closed to builds? The config var JSR_URL names another registry.' \
      'Or commit the modules: "vendor": true in deno.json, deno install, and push with vendor/.'
  elif said "npm package '.*' does not exist|Could not find npm package|Could not find version of|JSR package not found"; then
    fail 'a package that is imported does not exist' 'The lines above say which. Correct its name or version in deno.json, and push again.'
  elif said 'Module not found "file:'; then
    fail 'a file that is imported is not in the repository' 'Names differ by upper and lower case, too. Commit it, and push again.'
  elif said 'not a dependency and not in import map'; then
    fail 'a package that is imported is not in deno.json' 'Run: deno add npm:NAME  Then commit deno.json and deno.lock, and push again.'
  elif said 'error sending request|dns error|client error \(Connect\)|timed out'; then
    fail 'a server that modules come from is not reached' \
      'The lines above say which. Is it down, or closed to builds? Import from npm: instead, or commit the modules ("vendor": true).'
  elif said 'heap out of memory|Reached heap limit'; then
    fail 'the build ran out of memory' "Give Deno's heap more: paas config:set DENO_V8_FLAGS=--max-old-space-size=1536"
  fi
}
