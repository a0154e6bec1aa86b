import type { Starter } from './starter.ts'
import { bunApps } from './starters/bun.ts'
import { denoApps } from './starters/deno.ts'
import { elixir } from './starters/elixir.ts'
import { go } from './starters/go.ts'
import { java } from './starters/java.ts'
import { nodejs } from './starters/nodejs.ts'
import { php } from './starters/php.ts'
import { python } from './starters/python.ts'
import { ruby } from './starters/ruby.ts'
import { rust } from './starters/rust.ts'

/** In the order of the table in docs/languages.md. */
export const starters: Starter[] = [
  ...go,
  ...rust,
  ...java,
  ...ruby,
  ...php,
  ...elixir,
  ...denoApps,
  ...bunApps,
  ...nodejs,
  ...python,
]
