import type { Starter } from '../starter.ts'

export const java: Starter[] = [
  {
    name: 'Spring Boot: archetype of Apache Camel',
    pack: 'java',
    script: `mvn --batch-mode --quiet archetype:generate -DarchetypeGroupId=org.apache.camel.archetypes \\
        -DarchetypeArtifactId=camel-archetype-spring-boot -DarchetypeVersion=4.14.0 -DgroupId=org.acme -DartifactId=hello -Dversion=1
      mv hello/* .`,
    path: '/actuator/health',
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
]
