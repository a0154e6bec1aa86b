/** Who owns an app's files, in build and run image alike: the user `app`. */
export const tenant = { uid: 1000, gid: 1000 }

/** Where an app's source is built and its slug runs. */
export const appDirectory = '/app'
