import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { run } from '../helpers/repository.ts'
import { Builder, docker, runIn } from './builder.ts'

const builder = new Builder()
afterAll(() => builder[Symbol.asyncDispose]())

/** A Node.js app with this build script: the shortest way to run anything in a build. */
function scripted(build: string, files: Record<string, string> = {}): Record<string, string> {
  const scripts = { build: 'bash build.sh', start: 'true' }
  return { 'package.json': JSON.stringify({ scripts }), 'build.sh': build, ...files }
}

/** Everything an image consists of: its layers, unpacked, its configuration and its history. */
async function searchImage(image: string, text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'paas-image-'))
  try {
    const saved = join(directory, 'image.tar')
    await docker('save', '--output', saved, image)
    await run('tar', ['-xf', saved, '-C', directory])
    // Only the newest layer can hold what this build did; the others were made before there was a secret.
    const script = `cd "$1" && grep -rlF --include=*.json -- "$2" . ; for tar in */layer.tar blobs/sha256/*; do
      [ -f "$tar" ] && [ "$(stat -c %s "$tar")" -lt 20000000 ] && tar -xOf "$tar" 2>/dev/null | grep -qF -- "$2" && echo "$tar"; done; true`
    return (await run('bash', ['-c', script, 'search', directory, text])).output
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

describe('a secret in a config var', () => {
  const secret = 'ohV4Zah9aiQu-planted'
  const config = { API_KEY: secret, DATABASE_URL: `postgres://user:${secret}@db.example.com/shop` }

  it('is seen by the build, and is in no layer, configuration or history of the image, nor in the output', async () => {
    await using app = await builder.app(scripted('echo "length: ${#API_KEY}"; echo "$API_KEY"; cat /env/API_KEY; env'))
    const { image } = await app.build({ config })
    expect(app.output).toContain(`length: ${secret.length}`)
    expect(app.output).not.toContain(secret)
    expect(app.output).toContain('[secret]')
    expect(await searchImage(image, secret)).toBe('')
    expect((await docker('history', '--no-trunc', image)).output).not.toContain(secret)
    expect((await docker('inspect', image)).output).not.toContain(secret)
  })

  it('is found by the search these tests rely on when the build leaves it in a file', async () => {
    await using app = await builder.app(scripted('echo "$API_KEY" > leaked'))
    const { image } = await app.build({ config })
    expect(await searchImage(image, secret)).not.toBe('')
  })

  it('is in no message of a failed build', async () => {
    await using app = await builder.app(
      scripted('echo "$API_KEY" >&2; printf %s "$API_KEY" > "$PAAS_REASON_FILE"; exit 1'),
    )
    const error = await app.build({ config }).catch((thrown: unknown) => thrown)
    expect(JSON.stringify([error, (error as Error).message, app.output])).not.toContain(secret)
  })

  it('is in no argument and no environment that the engine keeps of the container', async () => {
    await using app = await builder.app(scripted('echo begun; sleep 600'))
    const stop = new AbortController()
    const build = app.build({ config, signal: stop.signal })
    build.catch(() => undefined)
    await expect.poll(() => app.output, { timeout: 60_000 }).toContain('begun')
    const [id = ''] = await builder.containersOf(app)
    const { output } = await docker('inspect', id)
    stop.abort(new Error('seen enough'))
    await expect(build).rejects.toThrow('seen enough')
    expect(output).toContain(id)
    expect(output).not.toContain(secret)
  })

  it('is not exported to packs, which read it from ENV_DIR', async () => {
    await using app = await builder.app({ 'index.html': 'x' })
    await app.build({ config: { ...config, PATH: '/nowhere', LD_PRELOAD: '/nowhere.so', BASH_ENV: '/nowhere' } })
    expect(app.output).toContain('Serving the files of .')
    expect(app.output).not.toContain('nowhere')
  })
})

describe('a build of a stranger', () => {
  it('has no privileges and cannot gain any', async () => {
    const script = `
      echo "uid $(id -u)"; grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status
      touch /usr/lib/paas/buildpacks/bin/compile 2>&1; mount -t tmpfs none /mnt 2>&1; ls /var/run/docker.sock 2>&1
      mknod /app/device b 8 0 2>&1; chroot / true 2>&1; su -c id 2>&1; true`
    await using app = await builder.app(scripted(script))
    await app.build()
    expect(app.output).toContain('uid 1000')
    expect(app.output).toMatch(/CapEff:\s+0000000000000000/)
    expect(app.output).toMatch(/CapBnd:\s+0000000000000000/)
    expect(app.output).toMatch(/NoNewPrivs:\s+1/)
    expect(app.output).toMatch(/Seccomp:\s+2/)
    expect(
      app.output.match(/Permission denied|Operation not permitted|permission denied|No such file/g)?.length,
    ).toBeGreaterThanOrEqual(4)
  })

  it('leaves nothing in the image that is not its own, unprivileged and a plain file', async () => {
    const script = `
      cp /bin/true own; chmod 6777 own; mkfifo pipe; ln -s /etc/shadow absolute; ln -s ../../.. up
      mkdir -p a/b && ln -s /etc a/etc && ln /app/build.sh hard; mkdir closed && touch closed/file && chmod 000 closed
      touch "$(printf 'new\\nline')" -- '-rf' ' space' '...' && printf 'x' > "$(printf 'bad\\377name')"`
    await using app = await builder.app(scripted(script))
    const { output } = await runIn(
      await app.build(),
      'cd /app; stat -c "%n %a %U %F" own absolute up hard ...; ls; readlink absolute; id -u',
    )
    expect(output).toContain('own 777 app regular file')
    expect(output).toContain('hard 644 app regular file')
    expect(output).toContain('absolute 777 app symbolic link')
    expect(output).not.toContain('pipe')
    expect(output).toMatch(/\/etc\/shadow\n[1-5]\d{4}\n/)
  })

  it('cannot put its files elsewhere by turning its directories into links', async () => {
    const script =
      'rm -rf bin && ln -s /usr bin; mkdir -p x && cd .. && mv app elsewhere 2>&1; ln -s /etc /app/.paas/etc; true'
    await using app = await builder.app(scripted(script, { 'bin/run': 'x' }))
    const { output } = await runIn(await app.build(), 'ls -ld /app /usr /etc; readlink /app/bin; ls /usr/run 2>&1')
    expect(output).toMatch(/^drwxr-xr-x.* root root .* \/usr$/m)
    expect(output).toContain('/usr\n')
    expect(output).toContain("cannot access '/usr/run'")
  })

  it('leaves others theirs of what the kernel gives to each user, those of the same user too', async () => {
    await builder.engine.secureHost()
    await using app = await builder.app({ 'index.html': 'x' })
    const { image } = await app.build()
    const inotify = { x64: '253', arm64: '26, 0' }[process.arch as 'x64' | 'arm64']
    const take = (most: number) => `$taken++ while $taken < ${most} && syscall(${inotify}) >= 0; print "took $taken\\n"`
    const asTenant = ['--user', '1000:1000', image, 'perl', '-e']
    const hog = (await docker('run', '--detach', ...asTenant, `$| = 1; ${take(1000)}; sleep 1000`)).output.trim()
    try {
      await expect.poll(async () => (await docker('logs', hog)).output).toMatch(/took \d+/)
      expect((await docker('run', '--rm', ...asTenant, take(1))).output).toBe('took 1\n')
    } finally {
      await docker('rm', '--force', hog)
    }
    const { output } = await runIn({ image }, 'whoami; echo ~; stat -c %U /app/index.html')
    expect(output).toBe('app\n/app\napp\n')
  })

  it('cannot reach the machine it runs on', async () => {
    const script = `
      gateway=$(ip route 2>/dev/null | awk '/default/ {print $3}'); gateway=\${gateway:-$(awk '$2 == "00000000" {print $3}' /proc/net/route | sed 's/../0x& /g' | awk '{printf "%d.%d.%d.%d", strtonum($4), strtonum($3), strtonum($2), strtonum($1)}')}
      for address in 169.254.169.254 "$gateway"; do
        if timeout 3 bash -c "exec 3<>/dev/tcp/$address/22" 2>/dev/null || timeout 3 bash -c "exec 3<>/dev/tcp/$address/80" 2>/dev/null; then echo "reached $address"; else echo "closed $address"; fi
      done`
    await builder.engine.secureHost()
    await using app = await builder.app(scripted(script))
    await app.build()
    expect(app.output).not.toContain('reached')
    expect(app.output).toContain('closed 169.254.169.254')
  })

  it('can show no line that looks like the platform’s verdict of another kind than text', async () => {
    await using app = await builder.app(
      scripted(`printf '\\033]0;owned\\007\\033[2J\\033[1;1H\\302\\2332J\\r\\033[31mred\\n'`),
    )
    await app.build()
    expect(app.output).toContain('\u001b[31mred\n')
    // oxlint-disable-next-line no-control-regex
    expect(app.output.replaceAll('\u001b[31m', '').replaceAll('\u001b[0m', '')).not.toMatch(
      /[\u0000-\u0008\u000b-\u001f\u0080-\u009f]/,
    )
  })

  it('has ended before its slug is made, whatever it left running', async () => {
    const script = `
      head -c 50000000 /dev/urandom > between
      (trap '' HUP TERM; for ((n = 1; ; n++)); do for at in a z; do echo $n > .$at; mv .$at $at; done; done) >/dev/null 2>&1 &
      for worker in {1..100}; do setsid sleep 1000 >/dev/null 2>&1 & done
      until [ -s z ]; do sleep 0.1; done`
    await using app = await builder.app(scripted(script))
    const { output } = await runIn(await app.build(), 'echo "$(cat a) $(cat z)"; stat -c %s between')
    const [first = 0, last = -10] = output.split(/\s/).filter(Boolean).map(Number)
    expect(output).toMatch(/^\d+ \d+\n50000000\n$/)
    // The end may have come between the two.
    expect(first - last).toBeOneOf([0, 1])
  })

  it('changes nobody’s image but its own with a link that it turns into a file and back', async () => {
    const script = `(while :; do head -c 100000 /dev/urandom > moving; ln -sfn /etc/passwd flip; rm -f flip; echo x > flip; done) >/dev/null 2>&1 &`
    await using app = await builder.app(scripted(script))
    const { output } = await runIn(await app.build(), 'cat /etc/passwd | head -1; ls build.sh')
    expect(output).toBe('root:x:0:0:root:/root:/bin/bash\nbuild.sh\n')
  })
})
