# What Composer and the frameworks say, and what to do about it.

explain_install() {
  local extension host
  extension=$(matched 'require[sd]? (PHP extension )?\Kext-[a-z0-9_]+(?=[^\n]*(missing|not present))')
  host=$(matched 'https?://\K[^/ :]+')
  if [[ -n $extension ]]; then
    fail "the PHP extension ${extension#ext-} is not there" \
      "This stack has: $(php -m | grep -E '^[A-Za-z]' | grep -vE 'Modules|Zend' | tr '[:upper:]\n' '[:lower:] ' | fold -sw 100 | paste -sd $'\n' | head -c 700)" \
      'Remove it from composer.json, or build the app by a Dockerfile.'
  elif said 'requires php .*(does not satisfy|is not satisfied|your php version)'; then
    fail "composer.json or a package does not allow PHP $php_version" \
      "Run: composer config platform.php $php_version && composer update  Then commit both files, and push again." \
      'Or ask for another PHP, for example: echo php 8.3 > .tool-versions'
  elif said 'is not present in the lock file|does not contain a compatible set'; then
    fail 'composer.lock does not match composer.json' 'Run: composer update --lock  Then commit composer.lock, and push again.'
  elif said 'Could not authenticate|requires authentication|Authentication required|HTTP/[0-9.]+ 40[13]'; then
    fail "${host:-the server of the packages} wants a password" \
      "Give it: paas config:set COMPOSER_AUTH='{\"http-basic\": {\"${host:-repo.example.com}\": {\"username\": \"NAME\", \"password\": \"TOKEN\"}}}'"
  elif said 'curl error|Could not resolve|Failed to (download|clone)|could not be downloaded|Connection refused|timed out'; then
    fail "${host:-the server of the packages} is not reached" \
      'Is it down, or closed to builds? A mirror can be named in repositories of composer.json. Or commit vendor with the code.'
  elif said 'Script .* returned with error code|Script .* handling the .* event'; then
    explain_framework "the script $(matched '(?<=Script ).{1,60}?(?= (returned|handling))') of composer.json failed"
  elif said 'does not contain valid JSON|Parse error'; then
    fail 'composer.lock or composer.json is not valid' 'Run: composer validate  Correct what it says, and push again.'
  fi
  fail "composer install exited with $1" 'The lines above say why. Correct it and push again.'
}

# explain_framework REASON
explain_framework() {
  local variable
  variable=$(matched 'Environment variable not found: "\K[A-Z0-9_]+')
  if [[ -n $variable ]]; then
    fail "the config var $variable is needed while the app is built" "Set it: paas config:set $variable=VALUE"
  elif said 'No application encryption key'; then
    fail 'Laravel needs the config var APP_KEY' "Set it: paas config:set APP_KEY=base64:$(head -c 32 /dev/urandom | base64)"
  elif said 'SQLSTATE|Connection refused'; then
    fail 'the app asks its database while it is built' 'Keep providers and scripts of composer.json from that, or let builds reach it.'
  elif said 'Allowed memory size'; then
    fail 'PHP ran out of the memory that memory_limit allows' 'The lines above say where.'
  fi
  fail "$1" 'The lines above say why. Correct it and push again.'
}
