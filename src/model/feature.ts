/** A capability that an app may turn on. `always`: every app has it, it cannot be turned off. */
export type Feature = { name: string; title: string; description: string; always: boolean }

export const features = [
  {
    name: 'preboot',
    title: 'Preboot',
    description: 'New dynos are up before the old ones stop. This is always on.',
    always: true,
  },
  {
    name: 'runtime-dyno-metadata',
    title: 'Dyno metadata',
    description:
      'Dynos that start from now on have HEROKU_APP_ID, HEROKU_RELEASE_VERSION and similar environment variables.',
    always: false,
  },
  {
    name: 'http-session-affinity',
    title: 'Session affinity',
    description: 'Requests of one browser go to the same dyno as long as it runs, by a cookie.',
    always: false,
  },
] as const satisfies Feature[]

/** One that is turned on and off. */
export type FeatureName = Extract<(typeof features)[number], { always: false }>['name']
