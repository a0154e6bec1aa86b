# What Bundler and Rails say, and what to do about it.

explain_gemfile() {
  if said 'merge conflict'; then
    fail 'Gemfile.lock has a merge conflict' 'Run: git checkout --theirs Gemfile.lock && bundle lock  Then commit it, and push again.'
  elif said 'There was an error parsing'; then
    fail 'Gemfile is not valid' 'The lines above say where. Correct it and push again.'
  fi
  fail 'Gemfile and Gemfile.lock cannot be read' 'The lines above say why. Correct it and push again.'
}

explain_install() {
  local gem
  gem=$(matched 'An error occurred while installing \K\S+')
  if said 'only supports platforms'; then
    fail 'Gemfile.lock lacks the platform x86_64-linux' \
      'Run: bundle lock --add-platform x86_64-linux  Then commit Gemfile.lock, and push again.'
  elif said 'frozen mode is set|deployment mode|dependencies in your gemfile changed|gemspecs for path gems changed'; then
    fail 'Gemfile.lock does not match Gemfile' 'Run: bundle install  Then commit Gemfile.lock, and push again.'
  elif said 'Failed to build gem native extension'; then
    explain_extension "${gem:-a gem}"
  elif said 'Authentication is required|Bad username or password|could not read Username|Authentication failed'; then
    fail 'a gem server or repository asks for a password' \
      'Give it in a config var named after the host: paas config:set BUNDLE_GEMS__EXAMPLE__COM=USER:PASSWORD (double underscores for dots)'
  elif said 'Could not (reach host|fetch specs)|Network error|Failed to open TCP connection|Net::OpenTimeout|Could not resolve host'; then
    fail 'the gem server is not reached' \
      'Is it down, or closed to builds? A mirror: paas config:set BUNDLE_MIRROR__ALL=URL' \
      'Or commit the gems with the code: bundle cache'
  elif said 'Could not find .* in (any of the sources|cached gems|locally installed gems|rubygems repository)|were yanked|has been yanked'; then
    fail "no gem server has $(matched 'Could not find (gem )?\K[^ ]+')" 'The lines above say why. Run: bundle update  Then commit Gemfile.lock, and push again.'
  fi
  fail "bundle install failed${gem:+ at $gem}" 'The lines above say why. Correct it and push again.'
}

# Debian packages that gems are compiled with and the build image lacks.
declare -A package_of=([rmagick]=libmagickwand-dev [idn-ruby]=libidn-dev [gpgme]=libgpgme-dev [tiny_tds]=freetds-dev [rugged]=cmake
  [snappy]=libsnappy-dev [poppler]=libpoppler-glib-dev [cairo]=libcairo2-dev [taglib-ruby]=libtag1-dev [ruby-ldap]=libldap-dev
  [rbtree]=build-essential [zookeeper]=libzookeeper-mt-dev [ruby-filemagic]=libmagic-dev [curses]=libncurses-dev [re2]=libre2-dev)

explain_extension() {
  local package=${package_of[$1]:-}
  [[ -z $package ]] || fail "$1 cannot be compiled without $package" \
    "Install it: echo $package >>Aptfile  Then commit Aptfile, and push again."
  fail "$1 cannot be compiled" \
    'The lines above say what it lacks. A Debian package that it needs can be named in a file Aptfile.'
}

explain_assets() {
  local variable
  variable=$(matched 'KeyError: key not found: "\K[A-Z][A-Z0-9_]*')
  if [[ -n $variable ]]; then
    fail "the config var $variable is needed while assets are compiled" \
      "Set it: paas config:set $variable=VALUE  Or give it a default in the code: ENV.fetch(\"$variable\", nil)"
  elif said 'Missing encryption key to decrypt|InvalidMessage'; then
    fail 'the credentials of Rails cannot be read' 'Set the key: paas config:set RAILS_MASTER_KEY="$(cat config/master.key)"'
  elif said 'ConnectionNotEstablished|could not connect to server|PG::ConnectionBad|Can.t connect to .*MySQL|NoDatabaseError'; then
    fail 'the app connects to its database while assets are compiled' \
      'An initializer or a class uses a model when it is loaded. Keep that from happening, or set DATABASE_URL to a database that builds reach.'
  elif said 'ExecJS|yarn: (command )?not found|(javascript|css):(install|build).*failed|Command .*build failed'; then
    fail 'assets need Node.js packages' 'Build with both: paas buildpacks:set nodejs ruby'
  fi
  fail "rake assets:precompile exited with $1" 'The lines above say why. Correct it and push again.'
}
