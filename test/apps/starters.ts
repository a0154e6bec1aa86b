import type { Starter } from './starter.ts'
import { nodejs } from './starters/nodejs.ts'
import { python } from './starters/python.ts'

/** In the order of the table in docs/languages.md. */
export const starters: Starter[] = [...nodejs, ...python]
