let trim: ((pad: number) => number) | undefined

/**
 * Returns to the system what malloc holds free anywhere in its heap (malloc_trim(3)): by itself it
 * returns the end alone, which one small block in use can keep. The library that calls it is loaded
 * at the first time, for the 1.3 MiB that it takes.
 */
export async function trimMalloc(): Promise<void> {
  trim ??= await findTrim()
  trim?.(0)
}

/**
 * undefined where there is none: the C library may lack it, as musl does, or the process has no
 * descriptors left to load it with. That costs memory and ends no role.
 */
async function findTrim(): Promise<((pad: number) => number) | undefined> {
  try {
    const { default: koffi } = await import('koffi')
    return koffi.load(null).func('int malloc_trim(size_t pad)') as (pad: number) => number
  } catch {
    return undefined
  }
}
