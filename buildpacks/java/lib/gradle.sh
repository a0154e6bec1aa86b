# Gradle, by the app's own wrapper. What it downloads, and what it has compiled, stays in the cache.

choose_gradle() {
  [[ -f gradlew ]] || fail 'there is no gradlew' \
    'The wrapper says which Gradle builds the app. Run: gradle wrapper  Then commit gradlew and gradle/wrapper, and push again.'
  local file
  for file in gradle-wrapper.jar gradle-wrapper.properties; do
    [[ -f gradle/wrapper/$file ]] || fail "gradlew lacks gradle/wrapper/$file" \
      "Is it in .gitignore? Run: git add -f gradle/wrapper/$file  Then commit it, and push again."
  done
  export GRADLE_USER_HOME=$cache_dir/gradle
  bound_cache "$GRADLE_USER_HOME/caches"
  topic 'Building with gradlew'
}

# As on Heroku, a config var says which tasks, and a task named `stage` is for us.
build_with_gradle() {
  local tasks status=0
  read -ra tasks <<<"${GRADLE_TASK:-$(default_tasks)}"
  detail "gradlew ${tasks[*]}"
  run sh ./gradlew --no-daemon --console=plain --build-cache "${tasks[@]}" || status=$?
  ((status == 0)) || explain_and_fail "gradlew exited with $status"
  rm -rf .gradle
}

default_tasks() {
  if build_files_say 'task stage|register[(<].*["'\'']stage'; then
    echo stage
  elif build_files_say '^[[:space:]]*(id[( ]*|apply plugin: *)?["'\''`]?application["'\''`]?\)?[[:space:]]*$'; then
    echo assemble installDist
  else
    echo assemble
  fi
}

build_files_say() { grep -qsE "$1" build.gradle build.gradle.kts ./*/build.gradle ./*/build.gradle.kts; }
