import type { Prompt } from './prompt.ts'

export function askCode(prompt: Prompt): Promise<string> {
  return prompt.ask('Two-factor code')
}

/** Heroku's header for it. */
export function withCode(code: string): Record<string, string> {
  return { 'heroku-two-factor-code': code }
}
