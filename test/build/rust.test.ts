import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Builder, runIn, type AppBuilder } from './builder.ts'

const builder = new Builder()
let app: AppBuilder
beforeAll(async () => {
  await builder.buildImage(['rust'])
  app = await builder.app({ 'Cargo.toml': '' })
}, 900_000)
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await builder[Symbol.asyncDispose]()
})

/** @param more lines of `[package]`, and what follows it */
function cargoToml(name = 'greeter', more = ''): string {
  return `[package]\nname = "${name}"\nversion = "0.1.0"\nedition = "2021"\n${more}\n`
}
function lockOf(...names: string[]): string {
  return `version = 4\n${names.map((name) => `\n[[package]]\nname = "${name}"\nversion = "0.1.0"\n`).join('')}`
}
const program = (text: string) => `fn main() {\n    println!("${text}");\n}\n`
const hello = `use std::io::{Read, Write};

fn main() {
    let port = std::env::var("PORT").unwrap();
    let listener = std::net::TcpListener::bind(format!("0.0.0.0:{port}")).unwrap();
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\\r\\nContent-Length: 16\\r\\nConnection: close\\r\\n\\r\\nHello from Rust\\n");
    }
}
`
const simple = { 'Cargo.toml': cargoToml(), 'Cargo.lock': lockOf('greeter') }
const itoa = {
  'Cargo.toml': cargoToml('greeter', '\n[dependencies]\nitoa = "=1.0.15"'),
  'Cargo.lock': `version = 4

[[package]]
name = "greeter"
version = "0.1.0"
dependencies = [
 "itoa",
]

[[package]]
name = "itoa"
version = "1.0.15"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "4a5f13b858c8d314ee3e8f639011f7ccefe71f97f96e50151fb991f267928e2c"
`,
  'src/main.rs': 'fn main() {\n    println!("{}", itoa::Buffer::new().format(36));\n}\n',
}

describe('a Rust app', () => {
  it('is its program, which is web', async () => {
    await app.replace({ ...simple, 'src/main.rs': hello })
    const result = await app.build()
    expect(result).toMatchObject({ buildpack: 'Rust', processTypes: { web: 'bin/greeter' } })
    expect(app.output).toMatch(/-----> Using Rust 1\.\d+\.\d+ of the stack\n/)
    await using running = await app.serve(result)
    expect(await running.get('/')).toMatchObject({ status: 200, body: 'Hello from Rust\n' })
  })

  it('gets its crates once, and compiles what has changed, whichever commit it comes from', async () => {
    await app.replace(itoa)
    const first = await app.build()
    expect(app.output).toContain('Downloaded itoa v1.0.15')
    expect((await runIn(first, 'greeter')).output).toBe('36\n')
    const before = await app.repository.head()
    await app.commit({ 'src/main.rs': itoa['src/main.rs'].replace('36', '37') })
    expect((await runIn(await app.build(), 'greeter')).output).toBe('37\n')
    expect(app.output).not.toMatch(/Download|Compiling itoa/)
    await app.repository.git('reset', '--quiet', '--hard', before)
    expect((await runIn(await app.build(), 'greeter')).output).toBe('36\n')
    await app.commit({ 'README.md': 'Greets.\n' })
    await app.build()
    expect(app.output).not.toContain('Compiling')
  })

  it('may be a workspace, of which the members are built that it names or the Procfile runs', async () => {
    const member = (name: string) => ({
      [`${name}/Cargo.toml`]: cargoToml(name),
      [`${name}/src/main.rs`]: program(name),
    })
    await app.replace({
      'Cargo.toml':
        '[workspace]\nresolver = "2"\nmembers = ["server", "worker", "tool"]\ndefault-members = ["server"]\n',
      'Cargo.lock': lockOf('server', 'tool', 'worker'),
      Procfile: 'web: server\nworker: ./target/release/worker --all\n',
      ...member('server'),
      ...member('worker'),
      ...member('tool'),
    })
    const result = await app.build()
    expect((await runIn(result, 'ls bin && target/release/worker && server')).output).toBe(
      'server\nworker\nworker\nserver\n',
    )
    await app.commit({ RustConfig: 'RUST_CARGO_BUILD_FLAGS="--release -p tool"\n' })
    expect((await runIn(await app.build(), 'ls bin')).output).toBe('tool\n')
  })

  it('that has several programs serves with the one that is named so', async () => {
    await app.replace({
      ...simple,
      'src/main.rs': program('greeter'),
      'src/bin/web.rs': program('web'),
      'src/bin/clock.rs': program('clock'),
    })
    expect((await app.build()).processTypes).toEqual({ web: 'bin/web' })
    expect(app.output).toContain('Programs: bin/clock bin/greeter bin/web')
  })

  it('needs no registry when its crates are vendored, and is without them afterwards', async () => {
    await app.replace({
      ...itoa,
      'Cargo.lock': itoa['Cargo.lock'].replace(/checksum = .*\n/, ''),
      '.cargo/config.toml':
        '[source.crates-io]\nreplace-with = "vendored-sources"\n\n[source.vendored-sources]\ndirectory = "vendor"\n',
      'vendor/itoa/Cargo.toml': '[package]\nname = "itoa"\nversion = "1.0.15"\n',
      'vendor/itoa/.cargo-checksum.json': '{"files":{}}\n',
      'vendor/itoa/src/lib.rs':
        'pub struct Buffer;\nimpl Buffer {\n    pub fn new() -> Self {\n        Buffer\n    }\n    pub fn format(&self, n: u32) -> String {\n        format!("vendored {n}")\n    }\n}\n',
    })
    const result = await app.build({ config: { CARGO_NET_OFFLINE: 'true' } })
    expect((await runIn(result, 'greeter; ls')).output).toBe('vendored 36\nCargo.lock\nCargo.toml\nbin\nsrc\ntarget\n')
  })

  it('is built with the Rust that it asks for, or with the newest when the stack has one that is too old', async () => {
    await app.replace({
      ...simple,
      'src/main.rs': program('new'),
      'rust-toolchain.toml': '[toolchain]\nchannel = "stable"\n',
    })
    await app.build()
    expect(app.output).toMatch(/-----> Using Rust 1\.\d+\.\d+ \(rust-toolchain\.toml\)/)
    await app.replace({ ...simple, 'Cargo.lock': lockOf('greeter').replace('4', '5'), 'src/main.rs': program('new') })
    await expect(app.build()).rejects.toThrow('the code needs a newer Rust')
    expect(app.output).toMatch(
      /-----> Using Rust 1\.\d+\.\d+ \(this app needs a newer one than the stack's 1\.\d+\.\d+\)/,
    )
  })
})

describe('a Rust app that cannot be built', () => {
  const main = { 'src/main.rs': program('x') }
  it.each([
    ['has no program', { 'src/lib.rs': '' }, 'there is no program: no binary target'],
    [
      'has a lock file that does not match',
      { ...itoa, 'Cargo.lock': lockOf('greeter') },
      'Cargo.lock does not match Cargo.toml',
    ],
    [
      'asks for a Rust that does not exist',
      { ...main, '.tool-versions': 'rust 1.999.0\n' },
      '.tool-versions asks for Rust 1.999.0, which does not exist',
    ],
    [
      'asks for a Rust that is too old for it',
      { ...main, 'Cargo.toml': cargoToml('greeter', 'rust-version = "1.99"'), 'rust-toolchain': '1.85.1\n' },
      'the code needs a newer Rust than 1.85.1 (rust-toolchain)',
    ],
    ['does not compile', { 'src/main.rs': 'fn main() { oops() }\n' }, 'the code does not compile'],
    [
      'links a library that is not there',
      {
        'src/main.rs':
          '#[link(name = "nothing")]\nunsafe extern "C" {\n    fn nothing();\n}\nfn main() {\n    unsafe { nothing() }\n}\n',
      },
      'the library nothing is missing',
    ],
    [
      'names a crate that does not exist',
      { ...main, 'Cargo.toml': cargoToml('greeter', '\n[dependencies]\nitoa = "=99.0.0"'), 'Cargo.lock': '' },
      'a crate that Cargo.toml asks for does not exist',
    ],
    [
      'has crates in a registry that is away',
      {
        ...itoa,
        '.cargo/config.toml':
          '[source.crates-io]\nreplace-with = "m"\n\n[source.m]\nregistry = "sparse+https://crates.invalid/"\n\n[net]\nretry = 0\n',
      },
      'the registry of crates is not reached',
    ],
  ])('because it %s is told what to do', async (_, files, reason) => {
    await app.replace({ ...simple, ...files })
    await expect(app.build()).rejects.toThrow(`build failed: ${reason}`)
    expect(app.output).toMatch(/^ !     \S/m)
  })
})
