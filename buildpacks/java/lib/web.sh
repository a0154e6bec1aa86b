# What `web` is when there is no Procfile: the jar or war that says how it is started, or what
# Gradle's application plugin has installed.

choose_web() {
  rm -f target/*.original
  local command programs=()
  command=$(quarkus_command) || {
    mapfile -t programs < <(executable_archives)
    ((${#programs[@]} > 0)) || mapfile -t programs < <(installed_scripts)
    command=''
    ((${#programs[@]} != 1)) || command=$(command_of "${programs[0]}")
  }
  if [[ -n $command ]]; then
    echo "$command" >.paas/web
  elif [[ ! -f Procfile ]] && ((${#programs[@]} > 1)); then
    warn "There are several programs and no Procfile: nothing to run for web." \
      "Write one that says which it is: echo 'web: java -jar ${programs[0]}' > Procfile"
  elif [[ ! -f Procfile ]]; then
    warn 'No jar has a Main-Class, and there is no Procfile: nothing to run for web.' \
      'Let the plugin of your framework, or the jar plugin, write it, or write a Procfile.'
  fi
}

quarkus_command() {
  local jar
  jar=$(find . -maxdepth 4 \( -path '*/target/quarkus-app/quarkus-run.jar' -o -path '*/build/quarkus-app/quarkus-run.jar' \) -printf '%P\n' |
    sort | head -n 1)
  [[ -n $jar ]] || return
  echo "java -Dquarkus.http.host=0.0.0.0 -Dquarkus.http.port=\$PORT \$JAVA_OPTS -jar $jar"
}

# Of this module and those below it.
executable_archives() {
  local archive
  while read -r archive; do
    manifest_of "$archive" | grep -q '^Main-Class:' && echo "$archive"
  done < <(find . -maxdepth 5 \( -path '*/target/*' -o -path '*/build/libs/*' \) \( -name '*.jar' -o -name '*.war' \) \
    -not -path '*/target/*/*' -not -path '*/build/libs/*/*' -not -path './.*' \
    -not -name '*-sources.jar' -not -name '*-javadoc.jar' -not -name '*-plain.[jw]ar' -not -name 'original-*' -printf '%P\n' | sort)
  return 0
}

installed_scripts() {
  find . -maxdepth 6 -path '*/build/install/*/bin/*' -type f -executable -not -name '*.bat' -printf '%P\n' | sort
}

manifest_of() { unzip -p "$1" META-INF/MANIFEST.MF 2>/dev/null | tr -d '\r'; }

# command_of ARCHIVE|SCRIPT: frameworks are told where to listen in their own words.
command_of() {
  local port=''
  if [[ $1 == *.?ar ]] && manifest_of "$1" | grep -q '^Spring-Boot-Version:'; then
    port='-Dserver.port=$PORT '
  elif grep -qs 'io.micronaut' pom.xml build.gradle build.gradle.kts; then
    port='-Dmicronaut.server.port=$PORT '
  fi
  if [[ $1 == *.?ar ]]; then
    echo "java $port\$JAVA_OPTS -jar $1"
  else
    echo "JAVA_OPTS=\"$port\$JAVA_OPTS\" $1"
  fi
}
