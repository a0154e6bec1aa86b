# Ruby itself, and Bundler: the stack's, in build and run image alike, or the one that is asked for,
# which mise installs and which goes along with the app, in the layer of its gems.

bundle=.paas/bundle

# Settings that the app has in .bundle/config are of a developer's machine, and count more than the
# environment: Bundler looks elsewhere for them. The lock file may name another Bundler, which this
# one would get first.
prepare_bundler() {
  export BUNDLE_APP_CONFIG=$build_dir/.paas/bundler BUNDLE_PATH=$build_dir/$bundle BUNDLE_USER_HOME=/tmp/bundler
  export BUNDLE_DEPLOYMENT=1 BUNDLE_WITHOUT=${BUNDLE_WITHOUT:-development:test} BUNDLE_VERSION=system
  export BUNDLE_GLOBAL_GEM_CACHE=true BUNDLE_USER_CACHE=$cache_dir/bundler BUNDLE_GEMFILE=$build_dir/Gemfile
  export BUNDLE_JOBS=${BUNDLE_JOBS:-4} BUNDLE_RETRY=${BUNDLE_RETRY:-2} BUNDLE_SILENCE_ROOT_WARNING=1
  ruby_version=$(ruby -e 'print RUBY_VERSION')
  # For gems that run JavaScript while assets are compiled.
  export PATH=$PATH:/usr/lib/paas/bin
}

# read_gemfile: sets asked_ruby, ruby_fits, gemfiles and gems.
read_gemfile() {
  [[ -f Gemfile.lock ]] || fail 'there is no Gemfile.lock' \
    'Run: bundle lock --add-platform x86_64-linux  Then commit Gemfile.lock, and push again.'
  local plan
  if ! plan=$(ruby "$pack_dir/lib/plan.rb" 2>"$run_log"); then
    indent <"$run_log"
    explain_gemfile
  fi
  mapfile -t plan <<<"$plan"
  asked_ruby=${plan[0]} ruby_fits=${plan[1]} gemfiles=${plan[2]}
  gems=$(printf '%s\n' "${plan[@]:3}")
}

# has_gem NAME: whether the lock file has it.
has_gem() { grep -qxF "$1" <<<"$gems"; }

# The Gemfile has the last word, since Bundler holds the app to it. Files of version managers name
# one release of many that are alike: any of the same minor version will do.
choose_ruby() {
  asked_for_ruby
  if [[ $ruby_fits == good ]]; then
    topic "Using Ruby $ruby_version of the stack${asked_in:+ ($asked_in: $wanted)}"
  else
    use_other_ruby
    topic "Using Ruby $ruby_version ($asked_in: $wanted)"
  fi
}

# Sets wanted, what is asked for, and asked_in, by which file; ruby_fits to good if the stack's is
# such a one; and ruby_range, as RubyGems writes it.
asked_for_ruby() {
  wanted=$asked_ruby asked_in=Gemfile ruby_range=$asked_ruby
  [[ -z $asked_ruby ]] || return 0
  asked_version ruby
  if [[ -f .ruby-version ]]; then asked_version=$(head -n 1 .ruby-version) asked_in=.ruby-version; fi
  wanted=${asked_version#ruby-}
  wanted=${wanted//[[:space:]]/}
  case $wanted. in
    . | latest. | "${ruby_version%%.*}". | "${ruby_version%.*}".*) return ;;
  esac
  ruby_fits=other
  case $wanted in
    *[!0-9.]* | .* | *. | *..* | *.*.*.*) fail "$asked_in asks for Ruby $wanted, which is no version" 'Write one such as 3.4 or 3.4.1, and push again.' ;;
    *.*.*) ruby_range=$wanted ;;
    *) ruby_range="~> $wanted.0" ;;
  esac
}

# What RubyGems and Bundler of another Ruby are told: not to look for the Bundler that the lock file
# names. It must find its files where it is copied to.
use_other_ruby() {
  local minor=${ruby_version%.*} remedy
  remedy="Write $minor into $asked_in, or delete the line, and push again."
  [[ $asked_in != Gemfile ]] ||
    remedy="Write ruby \"~> $minor.0\" into Gemfile, run: bundle update --ruby  Then commit Gemfile and Gemfile.lock, and push again."
  mise_sources='mise-versions.jdx.dev and github.com, where it is not compiled already also from cache.ruby-lang.org'
  mise_remedy=("Without it there is Ruby $ruby_version of the stack. $remedy")
  export RUBY_CONFIGURE_OPTS="--enable-load-relative --disable-install-doc ${RUBY_CONFIGURE_OPTS:-}"
  get_by_mise Ruby ruby "$wanted"
  forget_mise
  # What mise would do whenever a gem is installed.
  rm -f "$tool_dir/lib/ruby/site_ruby/rubygems_plugin.rb"
  export PATH=$tool_dir/bin:$PATH
  ruby_version=$tool_version
  BUNDLER_VERSION=$(bundle --version)
  export BUNDLER_VERSION=${BUNDLER_VERSION##* }
  runtime_key="ruby $ruby_version $(uname -m)"
}

# choose_release: the newest on standard input that the app asks for and that is released.
choose_release() {
  /usr/bin/ruby -e '
    range = Gem::Requirement.new(ARGV.first.split(", "))
    there = STDIN.each_line(chomp: true).grep(/\A\d+(\.\d+)+\z/)
    puts there.select { |version| range.satisfied_by?(Gem::Version.new(version)) }.max_by { |version| Gem::Version.new(version) }
  ' "$ruby_range"
}

copy_runtime() {
  mkdir -p "$1"
  cp -a "$tool_dir/." "$1/"
  rm -rf "$1"/share "$1"/lib/*.a "$1"/lib/ruby/gems/*/{cache,doc}
}
