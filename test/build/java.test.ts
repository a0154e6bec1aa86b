import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Builder, type AppBuilder } from './builder.ts'

const builder = new Builder()
/** One for all tests, since Maven downloads its own plugins for each app. */
let app: AppBuilder
beforeAll(async () => {
  await builder.buildImage(['java'])
  app = await builder.app({ 'pom.xml': '' })
}, 900_000)
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await builder[Symbol.asyncDispose]()
})

const server = `package example;

import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;

public class Greeter {
  public static void main(String[] args) throws Exception {
    var server = HttpServer.create(new InetSocketAddress(Integer.parseInt(System.getenv("PORT"))), 0);
    server.createContext("/", exchange -> {
      var text = ("Hello from Java " + System.getProperty("java.specification.version") + ", heap " + Runtime.getRuntime().maxMemory() / 1048576 + "\\n").getBytes();
      exchange.sendResponseHeaders(200, text.length);
      exchange.getResponseBody().write(text);
      exchange.close();
    });
    server.start();
  }
}
`

/** @param more of the project, after what it is called */
function pom(more: string, release = 21): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>example</groupId><artifactId>greeter</artifactId><version>1</version>
  <properties>
    <maven.compiler.release>${release}</maven.compiler.release>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  ${more}
</project>
`
}

const mainClass = `<build><plugins><plugin>
    <groupId>org.apache.maven.plugins</groupId><artifactId>maven-jar-plugin</artifactId>
    <configuration><archive><manifest><mainClass>example.Greeter</mainClass></manifest></archive></configuration>
  </plugin></plugins></build>`
const dependency = (artifact: string, version: string) =>
  `<dependencies><dependency><groupId>commons-io</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency></dependencies>`
const greeter = { 'pom.xml': pom(mainClass), 'src/main/java/example/Greeter.java': server }

const spring = {
  'pom.xml': `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <parent><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-parent</artifactId><version>3.5.7</version></parent>
  <groupId>example</groupId><artifactId>greeter</artifactId><version>1</version>
  <properties><java.version>17</java.version></properties>
  <dependencies><dependency><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-web</artifactId></dependency></dependencies>
  <build><plugins><plugin><groupId>org.springframework.boot</groupId><artifactId>spring-boot-maven-plugin</artifactId></plugin></plugins></build>
</project>
`,
  'src/main/java/example/Greeter.java': `package example;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.web.bind.annotation.*;

@SpringBootApplication
@RestController
public class Greeter {
  @GetMapping("/")
  String greet() { return "Hello from Spring"; }

  public static void main(String[] args) { SpringApplication.run(Greeter.class, args); }
}
`,
}

describe('a Java app', () => {
  it('is the jar with a main class, whose heap fits the dyno, and is built again without downloads', async () => {
    await app.replace({ ...greeter, 'system.properties': 'java.runtime.version=17\n' })
    const result = await app.build()
    expect(result).toMatchObject({
      buildpack: 'Java',
      processTypes: { web: 'java $JAVA_OPTS -jar target/greeter-1.jar' },
    })
    expect(app.output).toContain('system.properties asks for Java 17: 21 runs what was made for it')
    await using running = await app.serve(result)
    expect((await running.get('/')).body).toMatch(/^Hello from Java 21, heap (29|30)\d\n$/)
    await app.commit({ 'settings.xml': '<settings><offline>true</offline></settings>\n' })
    await app.build()
  })

  it('brings the Java that it asks for along, which is a layer of its own', async () => {
    await app.replace({ ...greeter, 'pom.xml': pom(mainClass, 25) })
    const result = await app.build()
    expect(app.output).toContain('-----> Using Java 25 of the stack (pom.xml)')
    expect(app.output).toContain('Dependencies, as a layer of their own')
    await using running = await app.serve(result)
    expect((await running.get('/')).body).toContain('Hello from Java 25,')
  }, 240_000)

  it('of Spring Boot listens where it is told', async () => {
    await app.replace(spring)
    const result = await app.build()
    expect(result.processTypes).toEqual({ web: 'java -Dserver.port=$PORT $JAVA_OPTS -jar target/greeter-1.jar' })
    await using running = await app.serve(result)
    expect(await running.get('/')).toMatchObject({ status: 200, body: 'Hello from Spring' })
  })
})

describe('a Java app that cannot be built', () => {
  it.each([
    [
      'does not compile',
      { 'src/main/java/example/Greeter.java': 'class Greeter { oops }\n' },
      'the code does not compile',
    ],
    [
      'asks for a newer Java',
      { 'system.properties': 'java.runtime.version=99\n' },
      'system.properties asks for Java 99, but this stack has 21 and 25',
    ],
    [
      'is compiled for a newer Java than it asks for',
      { 'pom.xml': pom(mainClass, 25), '.java-version': '21\n' },
      'the build asks for another Java than 21',
    ],
    [
      'has a dependency that does not exist',
      { 'pom.xml': pom(dependency('commons-io', '0.0.99')) },
      'a dependency does not exist',
    ],
    ['has a pom.xml that is none', { 'pom.xml': '<project>\n' }, 'pom.xml is not valid'],
    ['has half of a wrapper', { mvnw: 'echo\n' }, 'mvnw lacks .mvn/wrapper/maven-wrapper.properties'],
    [
      'names a mirror that is away',
      {
        'settings.xml':
          '<settings><mirrors><mirror><id>m</id><mirrorOf>*</mirrorOf><url>https://mirror.invalid/</url></mirror></mirrors></settings>\n',
      },
      'a repository is not reached',
    ],
  ])('because it %s is told what to do', async (_, files, reason) => {
    await app.replace({ ...greeter, ...files })
    await expect(app.build()).rejects.toThrow(`build failed: ${reason}`)
    expect(app.output).toMatch(/^ !     \S/m)
  })

  it.each([
    ['no wrapper', {}, 'there is no gradlew'],
    ['half of a wrapper', { gradlew: 'echo\n' }, 'gradlew lacks gradle/wrapper/gradle-wrapper.jar'],
  ])('with Gradle, because it has %s is told what to do', async (_, files, reason) => {
    await app.replace({ 'build.gradle': '', ...files })
    await expect(app.build()).rejects.toThrow(`build failed: ${reason}`)
    expect(app.output).toMatch(/^ !     \S/m)
  })

  it('that has no main class is told so, and is released without web', async () => {
    await app.replace({ ...greeter, 'pom.xml': pom('') })
    expect((await app.build()).processTypes).toEqual({})
    expect(app.output).toContain(' !     No jar has a Main-Class')
  })
})
