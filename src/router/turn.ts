type Due = { endTurn(): void }

/** What is taken for one turn while connections come: turns of the event loop, and who is due. */
const most = { turns: 16, due: 64 }

let due: Due[] = []
let time: number | undefined
let isSeen = false
let isLonger = false
let turns = 0

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

/**
 * A connection came. libuv accepts one in a turn of its loop, so where many wait, each turn would
 * send what is due for one of them. The next turn counts as part of this one, as long as they come
 * and neither `most` is reached; there is work all that time; decision 175.
 */
export function lengthenTurn(): void {
  isLonger = true
}

function seeEnd(): void {
  if (!isSeen) setImmediate(endTurn)
  isSeen = true
}

function endTurn(): void {
  time = undefined
  isSeen = false
  const goesOn = isLonger && due.length > 0 && due.length < most.due && ++turns < most.turns
  isLonger = false
  if (goesOn) return seeEnd()
  turns = 0
  // Those that are closed now tell so now.
  while (due.length > 0) {
    const all = due
    due = []
    for (const one of all) one.endTurn()
  }
}
