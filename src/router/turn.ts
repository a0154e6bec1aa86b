type Due = { endTurn(): void }

let due: Due[] = []

/**
 * Calls once when everything that came in this turn of the event loop has been taken. What is sent
 * then leaves in one go, while its receivers are still awake from the first of it: to wake one for
 * each message costs as much as to write it; decision 164.
 */
export function atEndOfTurn(one: Due): void {
  if (due.push(one) === 1) setImmediate(endTurn)
}

function endTurn(): void {
  const all = due
  due = []
  for (const one of all) one.endTurn()
}
