# Ruby itself, the one of the stack in build and run image alike, and Bundler.

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
check_ruby() {
  local wanted
  if [[ -n $asked_ruby ]]; then
    [[ $ruby_fits == good ]] || refuse_ruby Gemfile "$asked_ruby"
    topic "Using Ruby $ruby_version of the stack (Gemfile: $asked_ruby)"
    return
  fi
  asked_version ruby
  if [[ -f .ruby-version ]]; then asked_version=$(head -n 1 .ruby-version) asked_in=.ruby-version; fi
  wanted=${asked_version#ruby-}
  wanted=${wanted//[[:space:]]/}
  case $wanted. in
    . | latest. | "${ruby_version%%.*}". | "${ruby_version%.*}".*) ;;
    *) refuse_ruby "$asked_in" "$wanted" ;;
  esac
  topic "Using Ruby $ruby_version of the stack${asked_in:+ ($asked_in: $wanted)}"
}

refuse_ruby() {
  local minor=${ruby_version%.*} remedy
  remedy="Write $minor into $1, or delete the line, and push again."
  [[ $1 != Gemfile ]] ||
    remedy="Write ruby \"~> $minor.0\" into Gemfile, run: bundle update --ruby  Then commit Gemfile and Gemfile.lock, and push again."
  fail "$1 asks for Ruby $2, but this stack has $ruby_version" "$remedy" \
    'For another Ruby the app can be built by a Dockerfile.'
}
