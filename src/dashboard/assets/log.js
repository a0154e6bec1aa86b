// Follows a log from the last line that the page came with. Lines are put into the page as text.
;(() => {
  const log = document.getElementById('log')
  const pause = document.getElementById('pause')
  if (!log) return
  const most = 5000
  const marks = /\u001b\[([\d;]*)m/g
  const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })
  let after = log.dataset.after
  let stream = log.dataset.stream
  let source
  let isPaused = false
  let waiting = []
  let drawing = false

  function classOf(numbers, before) {
    let names = before
    for (const number of (numbers || '0').split(';').map(Number)) {
      if (number === 0) names = []
      else if (number === 1) names = [...names, 'bold']
      else if (number === 2) names = [...names, 'dim']
      else if (number === 22) names = names.filter((name) => name !== 'bold' && name !== 'dim')
      else if (number === 39) names = names.filter((name) => !/^c\d$/.test(name))
      else if ((number >= 30 && number <= 37) || (number >= 90 && number <= 97)) {
        names = [...names.filter((name) => !/^c\d$/.test(name)), `c${number % 10}`]
      }
    }
    return names
  }

  function coloured(target, text) {
    let from = 0
    let names = []
    const add = (part) => {
      if (part === '') return
      if (names.length === 0) return target.append(part)
      const span = document.createElement('span')
      span.className = names.join(' ')
      span.textContent = part
      target.append(span)
    }
    for (const mark of text.matchAll(marks)) {
      add(text.slice(from, mark.index))
      from = mark.index + mark[0].length
      names = classOf(mark[1], names)
    }
    add(text.slice(from))
  }

  function lineOf({ id, data }) {
    const [, time, from, process, text] = /^(\S+) (\w+)\[([^\]]*)\]: (.*)$/s.exec(data) ?? []
    if (time === undefined) return null
    const row = document.createElement('div')
    row.id = `l${id}`
    row.className = from
    const link = document.createElement('a')
    const joint = log.dataset.here.endsWith('?') ? '' : '&'
    link.href = `${log.dataset.here}${joint}at=${encodeURIComponent(id)}#l${id}`
    const date = new Date(`${time.slice(0, 23)}Z`)
    const when = document.createElement('time')
    when.dateTime = date.toISOString()
    when.textContent = clock.format(date)
    link.append(when)
    const who = document.createElement('span')
    who.className = 'who'
    who.textContent = process
    const said = document.createElement('span')
    said.className = 'text'
    coloured(said, text)
    row.append(link, ' ', who, ' ', said)
    return row
  }

  // Lines that came since the last frame are drawn together, however many they are.
  function draw() {
    drawing = false
    if (isPaused || waiting.length === 0) return
    const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 40
    const rows = waiting.slice(-most).map(lineOf)
    waiting = []
    log.append(...rows.filter(Boolean))
    while (log.childElementCount > most) log.firstElementChild.remove()
    document.getElementById('no-lines')?.remove()
    if (atEnd) log.scrollTop = log.scrollHeight
  }

  function onLine(event) {
    after = event.lastEventId
    waiting.push({ id: event.lastEventId, data: event.data })
    if (waiting.length > 2 * most) waiting = waiting.slice(-most)
    if (isPaused) pause.textContent = `Go on (${waiting.length} new)`
    else if (!drawing) {
      drawing = true
      requestAnimationFrame(draw)
    }
  }

  // The address of a stream is good for some minutes: later the page is asked for another one.
  async function freshStream() {
    const url = new URL(location.href)
    url.searchParams.delete('at')
    url.searchParams.set('after', after)
    const answer = await fetch(url, { headers: { accept: 'text/html' } })
    if (answer.redirected) return location.reload()
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
    return page.getElementById('log')?.dataset.stream
  }

  async function open() {
    if (source || document.hidden || log.dataset.stream === undefined) return
    try {
      stream ??= await freshStream()
      if (!stream || source) return
      source = new EventSource(stream)
      stream = undefined
      source.addEventListener('message', onLine)
      source.addEventListener('error', () => {
        if (source?.readyState !== EventSource.CLOSED) return
        source = undefined
        setTimeout(() => void open(), 2000)
      })
    } catch {
      setTimeout(() => void open(), 2000)
    }
  }

  // Of a page that is not seen nothing is kept open: a browser has six connections to a server.
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) return void open()
    source?.close()
    source = undefined
  })

  pause?.addEventListener('click', () => {
    isPaused = !isPaused
    pause.setAttribute('aria-pressed', String(isPaused))
    pause.textContent = isPaused ? 'Go on' : 'Pause'
    draw()
  })

  for (const time of log.querySelectorAll('time')) time.textContent = clock.format(new Date(time.dateTime))
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView({ block: 'center' })
  else log.scrollTop = log.scrollHeight
  void open()
})()
