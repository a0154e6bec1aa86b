import type { Starter } from './starter.ts'
import { bunApps } from './starters/bun.ts'
import { denoApps } from './starters/deno.ts'
import { nodejs } from './starters/nodejs.ts'
import { php } from './starters/php.ts'
import { java } from './starters/java.ts'
import { python } from './starters/python.ts'
import { rust } from './starters/rust.ts'
import { ruby } from './starters/ruby.ts'

/** In the order of the table in docs/languages.md. */
export const starters: Starter[] = [...rust, ...java, ...denoApps, ...bunApps, ...nodejs, ...php, ...python, ...ruby]
