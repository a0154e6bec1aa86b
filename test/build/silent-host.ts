import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** Listens, accepts nothing, and has its queue full, so that the kernel leaves whoever connects without an answer (listen(2)). */
const program = String.raw`
use Socket;
socket(my $listening, PF_INET, SOCK_STREAM, 0) or die;
bind($listening, sockaddr_in(0, INADDR_LOOPBACK)) or die;
listen($listening, 0) or die;
my $address = getsockname($listening);
socket(my $waiting, PF_INET, SOCK_STREAM, 0) or die;
connect($waiting, $address) or die;
$| = 1;
print((sockaddr_in($address))[0], "\n");
<STDIN>;
`

/** A host that packets get lost on the way to. Perl comes with git. */
export class SilentHost {
  readonly #process: ChildProcess
  readonly #port: string

  private constructor(process: ChildProcess, port: string) {
    this.#process = process
    this.#port = port
  }

  static async start(): Promise<SilentHost> {
    const process = spawn('perl', ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
    const [port] = (await once(process.stdout, 'data')) as [Buffer]
    return new SilentHost(process, port.toString().trim())
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.#port}/${path}`
  }

  stop(): void {
    this.#process.kill()
  }
}
