/** Where an app's source is built and its slug runs. */
export const appDirectory = '/app'

/** Mount points in a build: what is kept between an app's builds, and one file per config var. */
export const cacheDirectory = '/cache'
export const configDirectory = '/env'
