import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { packsDirectory } from '../../src/build/packs.ts'

/** A wrapper that says how it was called, and installs a program as the application plugin does. */
const gradlew = `echo "called with $* in $GRADLE_USER_HOME"
mkdir -p build/install/hello/bin .gradle && touch build/install/hello/bin/hello && chmod +x build/install/hello/bin/hello`
const wrapper = { gradlew, 'gradle/wrapper/gradle-wrapper.jar': '', 'gradle/wrapper/gradle-wrapper.properties': '' }

/** What the pack prints, and what `web` is then, of an app with these files. */
function build(files: Record<string, string>, task = '') {
  const directory = mkdtempSync(join(tmpdir(), 'paas-gradle-'))
  try {
    for (const [name, content] of Object.entries({ '.paas/x': '', ...wrapper, ...files })) {
      mkdirSync(dirname(join(directory, name)), { recursive: true })
      writeFileSync(join(directory, name), content)
    }
    const sources = ['lib/common', 'java/lib/explain', 'java/lib/gradle', 'java/lib/web']
    const script = [
      'set -euo pipefail',
      ...sources.map((name) => `source ${join(packsDirectory, name)}.sh`),
      `run_log=log cache_dir=cache ${task && `GRADLE_TASK='${task}'`}`,
      'choose_gradle; build_with_gradle; choose_web; [[ ! -e .gradle ]]',
    ]
    const { stdout, status } = spawnSync('bash', ['--norc', '-c', script.join('\n')], {
      cwd: directory,
      encoding: 'utf8',
    })
    expect(status, stdout).toBe(0)
    return { stdout, web: readFileSync(join(directory, '.paas/web'), 'utf8').trim() }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

it.each<[string, Record<string, string>, string, string]>([
  ['assemble', { 'build.gradle': '' }, '', 'assemble'],
  ['assemble and installDist', { 'build.gradle': "plugins {\n  id 'application'\n}\n" }, '', 'assemble installDist'],
  [
    'assemble and installDist in Kotlin',
    { 'build.gradle.kts': 'plugins {\n  application\n}\n' },
    '',
    'assemble installDist',
  ],
  ['a task named stage', { 'build.gradle': "task stage(dependsOn: ['build'])\n" }, '', 'stage'],
  ['what GRADLE_TASK says', { 'build.gradle': '' }, 'shadowJar -x test', 'shadowJar -x test'],
])('Gradle is called by the wrapper of the app, for %s', (_, files, task, tasks) => {
  const { stdout, web } = build(files, task)
  expect(stdout).toContain(`called with --no-daemon --console=plain --build-cache ${tasks} in cache/gradle`)
  expect(web).toBe('JAVA_OPTS="$JAVA_OPTS" build/install/hello/bin/hello')
})

it('Micronaut is told its port', () => {
  const { web } = build({
    'build.gradle': "plugins {\n  id 'application'\n  id 'io.micronaut.application' version '4'\n}\n",
  })
  expect(web).toBe('JAVA_OPTS="-Dmicronaut.server.port=$PORT $JAVA_OPTS" build/install/hello/bin/hello')
})
