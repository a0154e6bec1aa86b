import type { Starter } from './starter.ts'
import { bunApps } from './starters/bun.ts'
import { denoApps } from './starters/deno.ts'
import { nodejs } from './starters/nodejs.ts'
import { python } from './starters/python.ts'

/** In the order of the table in docs/languages.md. */
export const starters: Starter[] = [...denoApps, ...bunApps, ...nodejs, ...python]
