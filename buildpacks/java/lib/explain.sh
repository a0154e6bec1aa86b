# What Maven and Gradle say, and what to do about it.

# explain: fails with the remedy for the mistakes that are made most.
explain() {
  if said 'release version [0-9]+ not supported|invalid target release|UnsupportedClassVersionError'; then
    fail "the build asks for another Java than $java" \
      "There are $java_of_stack and $java_beyond: echo java.runtime.version=$java_beyond > system.properties  Or let it compile for $java."
  elif said 'Cannot find a Java installation|No matching toolchains|Unsupported class file major version'; then
    fail "Gradle wants another Java than $java" \
      "There are $java_of_stack and $java_beyond. Set the languageVersion of its toolchain to one of them; a Gradle that is too old needs: ./gradlew wrapper --gradle-version latest"
  elif said 'COMPILATION ERROR|Compilation failed; see the compiler'; then
    fail 'the code does not compile' 'The lines above with "error" say where. Correct it and push again.'
  elif said 'There are test failures'; then
    fail 'tests failed' 'Correct them, or build without: paas config:unset MAVEN_CUSTOM_OPTS'
  elif said 'Could not find artifact|was not found in|> Could not find '; then
    fail 'a dependency does not exist' \
      'Is its version right? A repository of your own must be named in the build, its password as ${env.NAME} in settings.xml, or System.getenv in Gradle.'
  elif said 'Could not transfer|UnknownHostException|Connection refused|connect timed out|status: 40[13]|Failed to fetch|Could not (GET|HEAD) |Downloading from .* failed|ConnectException|SocketTimeoutException'; then
    fail 'a repository is not reached' \
      'Is it down, or closed to builds? For Maven a settings.xml can name a mirror; for Gradle the build, and distributionUrl of gradle-wrapper.properties.'
  elif said 'OutOfMemoryError'; then
    fail 'the build ran out of memory' 'Give it more of it: paas config:set MAVEN_OPTS=-XX:MaxRAMPercentage=75  For Gradle: org.gradle.jvmargs in gradle.properties.'
  elif said 'Could not compile build file|Could not compile settings file|Script compilation error'; then
    fail 'the build file is not valid' 'The lines above say where. Correct it and push again.'
  elif said 'Non-(parse|read)able POM|Malformed POM|Non-resolvable parent POM'; then
    fail 'pom.xml is not valid' 'The lines above with FATAL or ERROR say why. Correct it and push again.'
  fi
}
