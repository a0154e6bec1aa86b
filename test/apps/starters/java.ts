import type { Starter } from '../starter.ts'

export const java: Starter[] = [
  {
    name: 'Spring Boot: archetype of Apache Camel',
    pack: 'java',
    script: `mvn --batch-mode --quiet archetype:generate -DarchetypeGroupId=org.apache.camel.archetypes \\
        -DarchetypeArtifactId=camel-archetype-spring-boot -DarchetypeVersion=4.14.0 -DgroupId=org.acme -DartifactId=hello -Dversion=1
      mv hello/* .`,
    path: '/actuator/health',
    startsOn: true, // Camel begins once the web server answers, and its health says so until then
    expected: /"status":"UP"/,
  },
  {
    name: 'Quarkus: its create goal',
    pack: 'java',
    script: `mvn --batch-mode --quiet io.quarkus.platform:quarkus-maven-plugin:3.38.2:create -DprojectGroupId=org.acme \\
        -DprojectArtifactId=hello -Dextensions=rest
      mv hello/* hello/.[a-z]* .`,
    path: '/hello',
    expected: /^Hello from Quarkus REST$/,
  },
  {
    name: 'Micronaut: mn create-app',
    pack: 'java',
    script: `printf '%s\\n' '<project><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version>' \\
        '<dependencies><dependency><groupId>io.micronaut.starter</groupId><artifactId>micronaut-cli</artifactId><version>4.5.1</version>' \\
        '</dependency></dependencies></project>' >/tmp/pom.xml
      mvn --batch-mode --quiet --file /tmp/pom.xml dependency:copy-dependencies -DoutputDirectory=/tmp/mn
      java -cp '/tmp/mn/*' io.micronaut.starter.cli.MicronautStarter create-app --jdk 21 --build maven --features management hello
      mv hello/* hello/.[a-z]* . && sed -i 's/4\\.5\\.[0-9]</4.10.8</' pom.xml`,
    path: '/health',
    expected: /"status":"UP"/,
  },
]
