import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { until } from '../helpers/app.ts'

const command = resolve(import.meta.dirname, '../../bin/paas')

/** Python's pty makes the terminal: Node has none of its own. What is typed is this process's input, what is shown its output. */
const terminal = `
import fcntl, os, pty, select, signal, struct, sys, termios
rows, columns = int(sys.argv[1]), int(sys.argv[2])
pid, master = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
    os.execvp(sys.argv[3], sys.argv[3:])
def stop(*_):
    os.kill(pid, signal.SIGKILL)
    sys.exit(137)
signal.signal(signal.SIGTERM, stop)
sources = [0, master]
while master in sources:
    for source in select.select(sources, [], [])[0]:
        try:
            data = os.read(source, 65536)
        except OSError:
            data = b''
        if not data:
            sources.remove(source)
        elif source == 0:
            os.write(master, data)
        else:
            os.write(1, data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`

/** The command as a person has it before them: in a terminal. */
export class TypedAt implements Disposable {
  readonly #child: ChildProcess
  readonly exit: Promise<number | null>
  #shown = ''

  constructor(
    argv: string[],
    { env, columns = 80, rows = 24 }: { env: NodeJS.ProcessEnv; columns?: number; rows?: number },
  ) {
    const size = [String(rows), String(columns)]
    this.#child = spawn('python3', ['-c', terminal, ...size, command, ...argv], {
      env: { ...env, TERM: 'xterm' },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.exit = once(this.#child, 'close').then(([code]) => code as number | null)
    this.#child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (this.#shown += chunk))
  }

  type(text: string): void {
    this.#child.stdin?.write(text)
  }

  /** Resolves when it has shown this since the last time something was waited for. */
  async shows(wanted: string): Promise<void> {
    const place = await until(`${wanted} in ${JSON.stringify(this.#shown)}`, async () => {
      const at = this.#shown.indexOf(wanted)
      return at >= 0 && { at }
    })
    this.#shown = this.#shown.slice(place.at + wanted.length)
  }

  /** kill -9 of the command. */
  kill(): void {
    this.#child.kill('SIGTERM')
  }

  [Symbol.dispose](): void {
    this.kill()
  }
}
