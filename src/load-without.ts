import { registerHooks } from 'node:module'

/** A module that is loaded in any case. */
const instead = 'node:path'

/**
 * Loads a library without what it would load for uses that we do not make of it, which would take
 * memory for as long as the process runs.
 * @param unused as the library writes them in its imports
 */
export async function loadWithout<Library>(unused: string[], load: () => Promise<Library>): Promise<Library> {
  const hooks = registerHooks({
    resolve: (specifier, context, resolve) => resolve(unused.includes(specifier) ? instead : specifier, context),
  })
  try {
    return await load()
  } finally {
    hooks.deregister()
  }
}
