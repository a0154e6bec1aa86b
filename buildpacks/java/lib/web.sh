# What `web` is when there is no Procfile: the jar or war that says how it is started.

choose_web() {
  rm -f target/*.original
  local command archives=()
  command=$(quarkus_command) || {
    mapfile -t archives < <(executable_archives)
    command=''
    ((${#archives[@]} != 1)) || command=$(archive_command "${archives[0]}")
  }
  if [[ -n $command ]]; then
    echo "$command" >.paas/web
  elif [[ ! -f Procfile ]] && ((${#archives[@]} > 1)); then
    warn "There are several programs and no Procfile: nothing to run for web." \
      "Write one that says which it is: echo 'web: java -jar ${archives[0]}' > Procfile"
  elif [[ ! -f Procfile ]]; then
    warn 'No jar in target has a Main-Class, and there is no Procfile: nothing to run for web.' \
      'Let the plugin of your framework, or the jar plugin, write it, or write a Procfile.'
  fi
}

quarkus_command() {
  local jar
  jar=$(find . -maxdepth 4 -path '*/target/quarkus-app/quarkus-run.jar' -printf '%P\n' | sort | head -n 1)
  [[ -n $jar ]] || return
  echo "java -Dquarkus.http.host=0.0.0.0 -Dquarkus.http.port=\$PORT \$JAVA_OPTS -jar $jar"
}

# Of this module and those below it.
executable_archives() {
  local archive
  while read -r archive; do
    manifest_of "$archive" | grep -q '^Main-Class:' && echo "$archive"
  done < <(find . -maxdepth 4 -path '*/target/*' \( -name '*.jar' -o -name '*.war' \) -not -path '*/target/*/*' \
    -not -name '*-sources.jar' -not -name '*-javadoc.jar' -not -name 'original-*' -printf '%P\n' | sort)
  return 0
}

manifest_of() { unzip -p "$1" META-INF/MANIFEST.MF 2>/dev/null | tr -d '\r'; }

# Frameworks are told where to listen in their own words.
archive_command() {
  local port=''
  if manifest_of "$1" | grep -q '^Spring-Boot-Version:'; then
    port='-Dserver.port=$PORT '
  elif grep -q 'io.micronaut' pom.xml; then
    port='-Dmicronaut.server.port=$PORT '
  fi
  echo "java $port\$JAVA_OPTS -jar $1"
}
