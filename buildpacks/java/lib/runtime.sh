# Java itself: the run image has the stack's, which runs what was made for an older one. An app for
# a newer one that Debian has brings that along.

java_of_stack=21
java_beyond=25

choose_java() {
  asked_for_java
  wanted=$(grep -oE '[0-9]+(\.[0-9]+)?' <<<"$asked_version" | head -n 1) || true
  wanted=${wanted#1.}
  wanted=${wanted%%.*}
  ((${wanted:-0} <= java_beyond)) ||
    fail "$asked_in asks for Java $wanted, but this stack has $java_of_stack and $java_beyond" \
      "Write $java_beyond into $asked_in, and push again."
  java=$java_of_stack
  ((${wanted:-0} <= java_of_stack)) || java=$java_beyond
  export JAVA_HOME
  JAVA_HOME=$(echo /usr/lib/jvm/java-"$java"-openjdk-*)
  export PATH=$JAVA_HOME/bin:$PATH
  topic "Using Java $java of the stack${asked_in:+ ($asked_in)}"
  ((${wanted:-java} == java)) || detail "$asked_in asks for Java $wanted: $java runs what was made for it"
}

# Heroku's system.properties, what version managers read, or else what the build compiles for.
asked_for_java() {
  asked_version='' asked_in=system.properties
  [[ ! -f system.properties ]] ||
    asked_version=$(sed -nE 's/^[[:space:]]*java\.runtime\.version[[:space:]]*[=:][[:space:]]*//p' system.properties | tail -n 1)
  if [[ -z $asked_version && -f .java-version ]]; then asked_version=$(head -n 1 .java-version) asked_in=.java-version; fi
  [[ -n $asked_version ]] || asked_version java
  [[ -n $asked_version ]] || asked_in_build pom.xml 's/.*<(java\.version|maven\.compiler\.(release|target)|release)>([0-9.]+)<.*/\3/p'
  local file
  for file in build.gradle build.gradle.kts; do
    [[ -n $asked_version ]] ||
      asked_in_build "$file" "s/.*(JavaLanguageVersion\.of|jvmToolchain|sourceCompatibility[ =]+(JavaVersion\.VERSION_)?)[('\" ]*([0-9.]+).*/\3/p"
  done
}

# asked_in_build FILE SCRIPT
asked_in_build() {
  [[ -f $1 ]] || return 0
  asked_version=$(sed -nE "$2" "$1" | head -n 1)
  [[ -z $asked_version ]] || asked_in=$1
}

# What runs programs, without what makes them, of the version that the run image does not have, as a
# layer of its own. Certificates are those of the machine, as for the stack's.
bring_runtime() {
  ((java != java_of_stack)) || return 0
  local key
  key=$("$JAVA_HOME/bin/java" --version | sha256sum)
  restore_tree .paas/java "$key" && return
  topic "Adding Java $java to the app"
  local modules
  modules=$("$JAVA_HOME/bin/java" --list-modules | cut -d@ -f1 |
    grep -vE '^jdk\.(incubator\..*|compiler|javadoc|jlink|jpackage|jshell|jdeps|jartool|jconsole|jdi|editpad|hotspot\.agent|internal\.(ed|le|opt|md))$' | paste -sd,)
  drop_tree .paas/java
  run_or_fail "$JAVA_HOME/bin/jlink" --add-modules "$modules" --compress zip-6 --strip-java-debug-attributes \
    --no-header-files --no-man-pages --output .paas/java
  ln -sf /etc/ssl/certs/java/cacerts .paas/java/lib/security/cacerts
  keep_tree .paas/java "$key"
}

# A JVM would take a quarter of the dyno's memory for its heap; the rest of the process needs two
# fifths at most. What the config var JAVA_TOOL_OPTIONS says comes last, so that it counts.
write_profile() {
  cat >.profile.d/java.sh <<'PROFILE'
if [ -d "$HOME/.paas/java" ]; then export JAVA_HOME="$HOME/.paas/java" PATH="$HOME/.paas/java/bin:$PATH"; fi
export JAVA_TOOL_OPTIONS="-XX:MaxRAMPercentage=60 -XX:+ExitOnOutOfMemoryError -Dfile.encoding=UTF-8 ${JAVA_TOOL_OPTIONS:-}"
PROFILE
}
