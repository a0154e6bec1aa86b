/**
 * One header or trailer line. `key` is the name in lower case, which is what rules look at; `line`
 * is the whole of it with its CRLF, which is what is passed on.
 */
export type Field = Readonly<{ key: string; value: string; line: string }>
