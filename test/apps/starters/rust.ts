import type { Starter } from '../starter.ts'

/** The example in the README of a crate, which is made to listen where the server says. */
function exampleOf(crate: string, address: string): string {
  return `cargo fetch --quiet
    sed -n '/^\`\`\`rust/,/^\`\`\`$/p' /tmp/.cargo/registry/src/*/${crate}-[0-9]*/README.md | sed '/^\`\`\`$/q' | sed '/^\`\`\`/d' |
      sed 's/${address}/format!("0.0.0.0:{}", std::env::var("PORT").unwrap())/' > src/main.rs`
}

export const rust: Starter[] = [
  {
    name: 'axum: example of its README',
    pack: 'rust',
    script: `cargo init --quiet --vcs none --name hello .
      cargo add --quiet axum tracing-subscriber && cargo add --quiet tokio --features full
      cargo add --quiet serde --features derive
      ${exampleOf('axum', '"0.0.0.0:3000"')}`,
    path: '/',
    expected: /^Hello, World!$/,
  },
  {
    name: 'Actix Web: example of its README',
    pack: 'rust',
    script: `cargo init --quiet --vcs none --name hello .
      cargo add --quiet actix-web
      ${exampleOf('actix-web', '("127.0.0.1", 8080)')}`,
    path: '/hello/you',
    expected: /^Hello you!$/,
  },
]
