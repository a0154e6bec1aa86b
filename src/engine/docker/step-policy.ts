import { PaasError } from '../../errors.ts'

const useCopy = 'Use COPY for files of the app, and RUN with curl for files of others.'

/**
 * Refuses what the engine itself would fetch, from the host's network and past all rules for tenants: ADD takes URLs,
 * the cloud's metadata service's too. What could become one is refused with it: variables, and anything escaped. It is
 * the builder's own announcement of a step that is judged, so nothing can be hidden in how a Dockerfile is written.
 * @param text one message of the builder @throws build_failed
 */
export function refuseFetches(text: string): void {
  const [, added] = /^Step \d+\/\d+ : (?:ONBUILD\s+)?ADD\s+([^]*)$/i.exec(text) ?? []
  if (added !== undefined && /[$\\`]|:\/\//.test(added.replaceAll(/["']/g, ''))) {
    throw refusal(`${text.trim()}: ADD takes no URL, variable or escaped character here.`)
  }
  if (/^# Executing \d+ build trigger/.test(text)) {
    throw refusal('The base image has ONBUILD triggers, which are not run here.')
  }
}

/** What a registry answered may be a page of any service the host can reach: the user gets the kind of error only. */
export function withoutAnswer(error: string): string {
  return error.replace(/(response body):[^]*/i, '$1').trim()
}

function refusal(message: string): PaasError {
  return new PaasError('build_failed', message, { hint: useCopy })
}
