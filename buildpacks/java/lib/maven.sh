# Maven: the app's own wrapper, or the stack's. What it downloads stays in the cache.

choose_maven() {
  export MAVEN_USER_HOME=$cache_dir/maven
  # A build is over before the second compiler of the JVM pays.
  export MAVEN_OPTS=${MAVEN_OPTS:--XX:MaxRAMPercentage=60 -XX:+UseSerialGC -XX:TieredStopAtLevel=1}
  # What it uses itself is not for those who push to mend (openjdk.org/jeps/472 and 498).
  ((java == java_of_stack)) || MAVEN_OPTS+=' --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow'
  bound_cache "$cache_dir/maven/repository"
  if [[ ! -f mvnw ]]; then
    maven=(mvn)
    topic 'Building with the Maven of the stack'
    return
  fi
  [[ -f .mvn/wrapper/maven-wrapper.properties ]] ||
    fail 'mvnw lacks .mvn/wrapper/maven-wrapper.properties' 'Commit that file too, or delete mvnw to build with the Maven of the stack, and push again.'
  maven=(sh ./mvnw)
  topic 'Building with mvnw'
}

# As on Heroku, config vars say which goals and options; a settings.xml in the root is used.
build_with_maven() {
  local goals options settings=() status=0
  read -ra goals <<<"${MAVEN_CUSTOM_GOALS:-package}"
  read -ra options <<<"${MAVEN_CUSTOM_OPTS:--DskipTests}"
  local file=${MAVEN_SETTINGS_PATH:-settings.xml}
  [[ ! -f $file ]] || settings=(--settings "$file")
  detail "mvn ${options[*]} ${goals[*]}"
  run "${maven[@]}" --batch-mode --no-transfer-progress -Dstyle.color=never \
    "-Dmaven.repo.local=$cache_dir/maven/repository" "${settings[@]}" "${options[@]}" "${goals[@]}" || status=$?
  ((status == 0)) || explain_and_fail "mvn exited with $status"
}
