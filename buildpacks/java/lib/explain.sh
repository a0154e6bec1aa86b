# What Maven says, and what to do about it.

# explain_and_fail REASON: Maven's output is in $run_log. Fails with the remedy for the mistakes
# that are made most.
explain_and_fail() {
  if said 'release version [0-9]+ not supported|invalid target release|UnsupportedClassVersionError'; then
    fail "pom.xml asks for a newer Java than $java_of_stack" \
      "Set <maven.compiler.release>$java_of_stack</maven.compiler.release> (with Spring Boot: <java.version>), and push again."
  elif said 'COMPILATION ERROR'; then
    fail 'the code does not compile' 'The lines above with ERROR say where. Correct it and push again.'
  elif said 'There are test failures'; then
    fail 'tests failed' 'Correct them, or build without: paas config:unset MAVEN_CUSTOM_OPTS'
  elif said 'Could not find artifact|was not found in'; then
    fail 'a dependency does not exist' \
      'Is its version in pom.xml right? If it is in a repository of your own, name that in pom.xml, and its password in settings.xml as ${env.NAME}.'
  elif said 'Could not transfer|UnknownHostException|Connection refused|connect timed out|status: 40[13]|Failed to fetch'; then
    fail 'a Maven repository is not reached' \
      'Is it down, or closed to builds? A settings.xml in the root can name a mirror of it.'
  elif said 'OutOfMemoryError'; then
    fail 'Maven ran out of memory' 'Give it more of it, for example: paas config:set MAVEN_OPTS=-XX:MaxRAMPercentage=75'
  elif said 'Non-(parse|read)able POM|Malformed POM|Non-resolvable parent POM'; then
    fail 'pom.xml is not valid' 'The lines above with FATAL or ERROR say why. Correct it and push again.'
  fi
  fail "$1" 'The lines above with ERROR say why. Correct it and push again.'
}

said() { grep -qE "$1" "$run_log"; }
