import type { Schema } from './heroku-schema.ts'

type Deviation = { resource: string; because: string; change: (schema: Schema) => void }

/** Where an answer is meant to differ from Heroku's schema: all there are, each with its reason. */
export const deviations: Deviation[] = [
  {
    resource: 'app',
    because: "the patterns of git_url and web_url hold the names of Heroku's own servers",
    change: (schema) => {
      for (const url of ['git_url', 'web_url']) delete schema.definitions?.[url]?.['pattern']
    },
  },
  {
    resource: 'account',
    because: 'who is an admin of the server is ours to tell',
    change: (schema) => Object.assign(schema.properties ?? {}, { admin: { type: 'boolean' } }),
  },
  {
    resource: 'app-webhook',
    because: 'the schema keeps the shape of this resource beside it, under its definitions',
    change: (schema) => {
      const { properties } = schema.definitions?.['app_webhook'] ?? {}
      Object.assign(schema, { properties, strictProperties: true, required: Object.keys(properties ?? {}) })
    },
  },
  {
    resource: 'build',
    because: 'it knows pending, succeeded and failed only; what a build waits for, or why it failed, is ours to tell',
    change: (schema) => {
      const ours = [
        'state',
        'commit',
        'ref',
        'detached',
        'finished_at',
        'cancel_requested',
        'failure',
        'superseded_by',
        'report',
      ]
      for (const name of ours) Object.assign(schema.properties ?? {}, { [name]: {} })
    },
  },
  {
    resource: 'release',
    because: 'it says that a release failed, not why, nor which newer one serves in its place; that is ours to tell',
    change: (schema) => Object.assign(schema.properties ?? {}, { failure: {}, superseded_by: {} }),
  },
  {
    resource: 'config-var',
    because: 'its pattern allows any other key besides; ours are all text',
    change: (schema) => {
      schema.additionalProperties = false
    },
  },
  {
    resource: 'add-on',
    because: 'what a restored one was made from is ours to tell',
    change: (schema) => Object.assign(schema.properties ?? {}, { forked_from: {} }),
  },
  {
    resource: 'dyno',
    because: 'it has a state only; why a dyno is not up, how it ended and when it starts again is ours to tell',
    change: (schema) => {
      for (const name of ['exit_status', 'next_start_at', 'reason', 'restarts']) {
        Object.assign(schema.properties ?? {}, { [name]: {} })
      }
    },
  },
  {
    resource: 'domain',
    because: 'the schema wants a URI as hostname, which no host name is, not Heroku’s either',
    change: (schema) => {
      delete schema.definitions?.['hostname']?.['format']
    },
  },
]
