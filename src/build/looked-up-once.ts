import type { Toolbox } from './toolbox.ts'

type Looking = Pick<Toolbox, 'buildImage' | 'runImage'>

/** A toolbox for one build, whose images are the same from its beginning to its end. */
export function lookedUpOnce<Tools extends Looking>(toolbox: Tools): Tools {
  const found = new Map<string, ReturnType<Looking['runImage']>>()
  const once = (key: string, look: () => ReturnType<Looking['runImage']>) => {
    const image = found.get(key) ?? look()
    found.set(key, image)
    return image
  }
  return {
    ...toolbox,
    buildImage: (onProgress) => once('build', () => toolbox.buildImage(onProgress)),
    runImage: (packs, onProgress) => once(`run ${packs.join()}`, () => toolbox.runImage(packs, onProgress)),
  }
}
