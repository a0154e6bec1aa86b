# The release, which is what runs; or, of a project that has none, what was compiled.

# decide_release: leaves the name of the one to make in $release, or nothing. Who starts the app
# with Mix, as on Heroku, wants none.
decide_release() {
  if [[ $(setting release) == false ]] || starts_mix; then
    release=
    return
  fi
  case $release in
    '!several '*)
      fail "mix.exs has several releases: ${release#* }" \
        "Say which one is made: paas config:set MIX_RELEASE_NAME=${release##* }  Or write default_release into mix.exs."
      ;;
    '!umbrella')
      warn 'mix.exs of the umbrella has no releases: it is started with Mix, and takes more room.' \
        'Add one: releases: [web: [applications: [my_app_web: :permanent]]]'
      release=
      ;;
  esac
}

starts_mix() {
  local file
  for file in Procfile app.json; do
    ! grep -qsE '(^|[^a-zA-Z0-9_./-])(mix|iex|elixir)[[:space:]]+-?-?[a-zA-Z]' "$file" || return 0
  done
  return 1
}

make_release() {
  release_dir=_build/$MIX_ENV/rel/$release
  topic "Making the release $release with mix release (MIX_ENV=$MIX_ENV)"
  local status=0
  run_filter=without_advice run mix release ${named_release:+"$named_release"} --overwrite --path "$build_dir/$release_dir" || status=$?
  ((status == 0)) || explain_release "mix release exited with $status"
  keep_cookie
  use_erlang_of_stack
  link_programs
  rm -rf "_build/$MIX_ENV/lib" deps
  detail "$(du -sh --apparent-size "$release_dir" | cut -f1) in $release_dir"
}

# How it is started is said by this pack in its own words, and nothing here is for Windows.
without_advice() { sed -uE '/^\* skipping .*for windows/d; /^Release created at/,$d; /^$/d'; }

# Nodes of one app find each other by it, those of the next release too.
keep_cookie() {
  [[ -z $own_cookie ]] || return 0
  [[ -s $root/cookie ]] || (umask 077 && cp "$release_dir/releases/COOKIE" "$root/cookie")
  cp "$root/cookie" "$release_dir/releases/COOKIE"
}

# A release brings Erlang along, 15 MB that the run image has and Debian mends: links lead there. It
# is the same version, since names have it.
use_erlang_of_stack() {
  local directory name
  for directory in "$release_dir"/lib/* "$release_dir"/erts-*; do
    name=${directory##*/}
    case $name in
      erts-*) ;;
      *) name=lib/$name ;;
    esac
    [[ -d $directory && -d /usr/lib/erlang/$name && ! -L $directory ]] || continue
    is_in_run_image "${name##*/}" || continue
    rm -rf "$directory"
    ln -s "/usr/lib/erlang/$name" "$directory"
  done
}

# What only the build image has, for tests and compilers, is copied if a release wants it.
is_in_run_image() { [[ $1 != eunit-* && $1 != common_test-* ]]; }

# Its programs (and those of rel/overlays/bin, such as `migrate`) are in bin too, where Phoenix's
# guides have them.
link_programs() {
  local file
  mkdir -p bin
  for file in "$release_dir"/bin/*; do
    [[ -e bin/${file##*/} || $file == *.bat ]] || ln -s "../$file" "bin/${file##*/}"
  done
}

# take_builds_along: what was compiled, and the sources of dependencies, which Mix looks at.
take_builds_along() {
  rm "_build/$MIX_ENV/lib"
  [[ -n $vendored ]] || rm deps
  cp -a "$MIX_BUILD_ROOT/$MIX_ENV" _build/
  rm -rf "_build/$MIX_ENV/rel"
  if [[ -z $vendored && -n $(ls -A "$MIX_DEPS_PATH") ]]; then
    cp -a "$MIX_DEPS_PATH" deps
    rm -rf deps/*/.git
  fi
  # Mix looks for it at each start where a dependency with `path:` is compiled with it.
  [[ -z ${MIX_REBAR3:-} ]] || cp "$MIX_REBAR3" .paas/rebar3
  [[ -z $other_elixir ]] || cp -a "$other_elixir" .paas/elixir
  local link target
  find "_build/$MIX_ENV/lib" -type l -printf '%P\n' | while read -r link; do
    target=$(readlink -f "$MIX_BUILD_ROOT/$MIX_ENV/lib/$link") || continue
    target=${target/#"$root/deps/"/"$build_dir/deps/"}
    ln -sfnr "$target" "_build/$MIX_ENV/lib/$link"
  done
}
