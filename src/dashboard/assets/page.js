// What every page has: times in the viewer's zone, filters as one types, parts that keep themselves
// up to date. Without it pages say the same, only not live.
;(() => {
  // Each takes milliseconds to make, before the first paint: only what a page needs is made.
  const lazily = (make) => {
    let made
    return () => (made ??= make())
  }
  const zoned = (dateStyle, timeStyle) => lazily(() => new Intl.DateTimeFormat(undefined, { dateStyle, timeStyle }))
  const clock = zoned('medium', 'short')
  const toSecond = zoned('medium', 'medium')
  const exact = zoned('full', 'long')
  const relative = lazily(() => new Intl.RelativeTimeFormat(undefined, { numeric: 'always', style: 'narrow' }))
  const units = [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
    ['second', 1],
  ]

  function ago(date) {
    const seconds = Math.round((date.getTime() - Date.now()) / 1000)
    const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? units.at(-1)
    return relative().format(Math.trunc(seconds / size), unit)
  }

  function tellTimes(within, which = '') {
    for (const time of within.querySelectorAll(`time[datetime]:not([data-exact])${which}`)) {
      const date = new Date(time.dateTime)
      if (Number.isNaN(date.getTime())) continue
      const at = time.dataset.seconds === undefined ? clock : toSecond
      const text = time.dataset.ago === undefined ? at().format(date) : ago(date)
      if (time.textContent !== text) time.textContent = text
    }
  }

  // In full for who points at it.
  function tellExactly({ target }) {
    const time = target.closest?.('time[datetime]:not([data-exact])')
    const date = new Date(time?.dateTime)
    if (!Number.isNaN(date.getTime())) time.title = exact().format(date)
  }

  // A list that is there as a whole is filtered here, at each letter.
  function filter(form) {
    const list = document.querySelector(form.dataset.filter)
    const input = form.querySelector('input')
    const apply = () => {
      const wanted = input.value.trim().toLowerCase()
      for (const row of list.querySelectorAll('[data-key]')) row.hidden = !row.dataset.key.includes(wanted)
    }
    form.addEventListener('submit', (event) => event.preventDefault())
    input.addEventListener('input', () => {
      const url = new URL(location.href)
      if (input.value) url.searchParams.set(input.name, input.value)
      else url.searchParams.delete(input.name)
      history.replaceState(null, '', url)
      apply()
    })
    document.addEventListener('paas:refreshed', apply)
    return apply
  }

  // Each part with `data-live` and an id is replaced when the page, fetched again, has another one.
  const live = document.getElementById('live')
  let fetching = false
  let again = false

  async function refresh() {
    if (fetching) {
      again = true
      return
    }
    fetching = true
    try {
      const answer = await fetch(location.href, { headers: { accept: 'text/html' } })
      if (answer.redirected) return location.reload()
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
        seen = fresh.documentElement.dataset.commits ?? seen
        replaceParts(fresh)
      }
    } catch {
      say('Not connected')
    } finally {
      fetching = false
      if (again) {
        again = false
        void refresh()
      }
    }
  }

  // A part that only tells of the same moments, as of later, is the same.
  const servedIn = (part) => part.innerHTML.replaceAll(/(<time [^>]*data-ago[^>]*>)[^<]*/g, '$1')

  function replaceParts(fresh) {
    for (const part of document.querySelectorAll('[data-live]')) {
      const next = fresh.getElementById(part.id)
      const served = next && servedIn(next)
      if (!next || served === part.served) continue
      const focused = part.contains(document.activeElement) ? pathOf(document.activeElement) : null
      tellTimes(next)
      part.replaceChildren(...next.childNodes)
      part.served = served
      if (focused) part.querySelector(focused)?.focus({ preventScroll: true })
    }
    document.dispatchEvent(new Event('paas:refreshed'))
  }

  // What is still being found behind the page is there some moments later.
  let later
  function lookLater() {
    const waits = [...document.querySelectorAll('[data-later]')].map((part) => Number(part.dataset.later))
    clearTimeout(later)
    if (waits.length > 0) later = setTimeout(() => (document.hidden ? lookLater() : void refresh()), Math.min(...waits))
  }
  document.addEventListener('paas:refreshed', lookLater)

  function pathOf(element) {
    if (element.id) return `#${CSS.escape(element.id)}`
    if (element.getAttribute('href')) return `a[href="${CSS.escape(element.getAttribute('href'))}"]`
    return null
  }

  function say(text) {
    if (!live || live.textContent === text) return
    live.textContent = text
    live.hidden = text === ''
  }

  // On a narrow screen a navigation is one line, of which one sees a part.
  function showCurrent() {
    for (const list of document.querySelectorAll('nav ul')) {
      const current = list.querySelector('[aria-current]')
      if (current) list.scrollLeft = current.offsetLeft - (list.clientWidth - current.offsetWidth) / 2
    }
  }

  // What is typed in UTC, in the viewer's zone.
  function tellLocal(input) {
    const place = document.getElementById(`${input.id}-local`)
    if (!place) return
    const tell = () => {
      const date = new Date(`${input.value}Z`)
      place.textContent = Number.isNaN(date.getTime()) ? '' : `Where you are: ${exact().format(date)}.`
    }
    input.addEventListener('input', tell)
    tell()
  }

  async function copy(button) {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim())
    button.textContent = 'Copied'
  }

  // A browser has six connections to a server at most: only pages that are seen have one.
  let changes
  // How many commits the record had when the page was made: what comes later is told.
  let seen = document.documentElement.dataset.commits ?? ''
  function follow() {
    if (document.hidden || changes || !document.querySelector('[data-live]')) return
    changes = new EventSource(`/dashboard/changes?since=${seen}`)
    changes.addEventListener('open', () => say(''))
    changes.addEventListener('change', () => void refresh())
    changes.addEventListener('ended', () => location.reload())
    changes.addEventListener('error', () => {
      say('Not connected; trying again')
      if (changes?.readyState !== EventSource.CLOSED) return
      // It was refused: the page itself finds out why, and goes to the login where that is it.
      changes = undefined
      setTimeout(follow, 5000)
      void refresh()
    })
  }

  function unfollow() {
    if (!document.hidden) return follow()
    changes?.close()
    changes = undefined
  }

  function begin() {
    for (const part of document.querySelectorAll('[data-live]')) part.served = servedIn(part)
    if (matchMedia('(max-width: 62rem)').matches) requestAnimationFrame(showCurrent)
    tellTimes(document, ':not([data-ago])')
    // The server has said the others, in English: after the first paint, in the viewer's language.
    requestAnimationFrame(() => setTimeout(tellTimes, 0, document))
    document.addEventListener('pointerover', tellExactly, { passive: true })
    setInterval(() => tellTimes(document), 15_000)
    for (const form of document.querySelectorAll('form[data-filter]')) filter(form)()
    for (const input of document.querySelectorAll('input[type=datetime-local]')) tellLocal(input)
    for (const button of document.querySelectorAll('button[data-copy]')) {
      button.addEventListener('click', () => void copy(button))
    }
    follow()
    lookLater()
    document.addEventListener('visibilitychange', unfollow)
  }

  begin()
})()
