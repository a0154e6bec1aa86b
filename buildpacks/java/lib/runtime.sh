# Java itself: the stack's, in build and run image alike. It runs what was made for an older one.

java_of_stack=21

check_runtime() {
  topic "Using Java $java_of_stack of the stack"
  local wanted
  asked_for_java
  wanted=$(grep -oE '[0-9]+(\.[0-9]+)?' <<<"$asked_version" | head -n 1) || true
  wanted=${wanted#1.}
  wanted=${wanted%%.*}
  [[ -n $wanted ]] || return 0
  ((wanted <= java_of_stack)) ||
    fail "$asked_in asks for Java $wanted, but this stack has $java_of_stack" "Write $java_of_stack into $asked_in, and push again."
  ((wanted == java_of_stack)) || detail "$asked_in asks for Java $wanted: $java_of_stack runs what was made for it"
}

# Heroku's system.properties, or what version managers read.
asked_for_java() {
  asked_version='' asked_in=system.properties
  [[ ! -f system.properties ]] ||
    asked_version=$(sed -nE 's/^[[:space:]]*java\.runtime\.version[[:space:]]*[=:][[:space:]]*//p' system.properties | tail -n 1)
  if [[ -z $asked_version && -f .java-version ]]; then asked_version=$(head -n 1 .java-version) asked_in=.java-version; fi
  [[ -n $asked_version ]] || asked_version java
}

# A JVM would take a quarter of the dyno's memory for its heap; the rest of the process needs two
# fifths at most. What the config var JAVA_TOOL_OPTIONS says comes last, so that it counts.
write_profile() {
  cat >.profile.d/java.sh <<'PROFILE'
export JAVA_TOOL_OPTIONS="-XX:MaxRAMPercentage=60 -XX:+ExitOnOutOfMemoryError -Dfile.encoding=UTF-8 ${JAVA_TOOL_OPTIONS:-}"
PROFILE
}
