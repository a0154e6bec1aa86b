/**
 * The scope of the token in a link that logs a browser in: none of the API's, so that the token is
 * good for nothing else.
 */
export const linkScope = 'login-link'

/** Milliseconds for which a link is good. */
export const linkLife = 10 * 60_000
