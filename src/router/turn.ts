type Due = { endTurn(): void }

let due: Due[] = []
let time: number | undefined
let isSeen = false

/**
 * Calls once when everything that came in this turn of the event loop has been taken. What is sent
 * then leaves in one go, while its receivers are still awake from the first of it: to wake one for
 * each message costs as much as to write it; decision 164.
 */
export function atEndOfTurn(one: Due): void {
  due.push(one)
  seeEnd()
}

/**
 * `performance.now()` of this turn, as it was when it was first asked for: a request needs it ten
 * times. Only for what comes on sockets, where many do in one turn.
 */
export function turnTime(): number {
  if (time === undefined) {
    time = performance.now()
    seeEnd()
  }
  return time
}

function seeEnd(): void {
  if (!isSeen) setImmediate(endTurn)
  isSeen = true
}

function endTurn(): void {
  const all = due
  due = []
  time = undefined
  isSeen = false
  for (const one of all) one.endTurn()
}
