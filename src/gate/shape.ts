import { refuseUnless } from './refused.ts'

type Check = (value: unknown) => boolean
export type Shape = Record<string, Check>

/**
 * An object with these keys and no others, spelled so: the engine's decoder takes a key in any case
 * of its letters (Go, encoding/json, Unmarshal).
 * @throws Refused naming the key
 */
export function shaped(value: unknown, shape: Shape, what: string): Record<string, unknown> {
  refuseUnless(isObject(value), `${what} is not an object`)
  for (const [key, each] of Object.entries(value)) {
    const check = Object.hasOwn(shape, key) ? shape[key] : undefined
    refuseUnless(check !== undefined, `${what} may not have ${key}`)
    refuseUnless(check(each), `${what} may not have this ${key}`)
  }
  return value
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export const isText: Check = (value) => typeof value === 'string'
export const isFlag: Check = (value) => typeof value === 'boolean'
export const isTexts: Check = (value) => Array.isArray(value) && value.every(isText)

export const textsByName: Check = (value) => isObject(value) && Object.values(value).every(isText)

export function one(...values: unknown[]): Check {
  return (value) => values.includes(value)
}

export function like(form: RegExp): Check {
  return (value) => typeof value === 'string' && form.test(value)
}
