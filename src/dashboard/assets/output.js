// The output of a build while it happens, with its colours, and how long each of its steps took.
// All of it is put into the page as text.
;(() => {
  const most = 20_000
  const marks = /\u001b\[([\d;]*)m/g

  function after(classes, numbers) {
    let names = new Set(classes)
    const without = (pattern) => new Set([...names].filter((name) => !pattern.test(name)))
    for (const number of (numbers || '0').split(';').map(Number)) {
      if (number === 0) names = new Set()
      else if (number === 1) names.add('bold')
      else if (number === 2) names.add('dim')
      else if (number === 22) names = without(/^(bold|dim)$/)
      else if (number === 39) names = without(/^c\d$/)
      else if ((number >= 30 && number <= 37) || (number >= 90 && number <= 97)) {
        names = without(/^c\d$/).add(`c${number % 10}`)
      }
    }
    return names
  }

  class Terminal {
    #pre
    #classes = new Set()
    #line = null
    #lines = 0

    constructor(pre) {
      this.#pre = pre
    }

    write(text) {
      const atEnd = this.#pre.scrollTop + this.#pre.clientHeight >= this.#pre.scrollHeight - 30
      for (const part of text.split(/(?<=\n)/)) this.#writePart(part)
      if (atEnd) this.#pre.scrollTop = this.#pre.scrollHeight
    }

    #writePart(part) {
      if (!this.#line) {
        this.#line = document.createElement('span')
        this.#pre.append(this.#line)
        this.#lines += 1
        if (this.#lines > most) this.#pre.firstChild.remove()
      }
      let from = 0
      for (const mark of part.matchAll(marks)) {
        this.#add(part.slice(from, mark.index))
        from = mark.index + mark[0].length
        this.#classes = after(this.#classes, mark[1])
      }
      this.#add(part.slice(from))
      if (part.endsWith('\n')) this.#line = null
    }

    #add(text) {
      if (text === '') return
      if (this.#classes.size === 0) return void this.#line.append(text)
      const span = document.createElement('span')
      span.className = [...this.#classes].join(' ')
      span.textContent = text
      this.#line.append(span)
    }
  }

  // A step begins with an arrow, as in the terminal; the one before it has ended then.
  class Steps {
    #list
    #begun = Number.NaN
    #present = null

    constructor(list) {
      this.#list = list
    }

    see(line) {
      const [, title] = /^-----> (.*)/.exec(line.replaceAll(marks, '')) ?? []
      if (title === undefined) return
      this.end()
      this.#begun = performance.now()
      this.#present = document.createElement('li')
      this.#present.textContent = title
      this.#list.append(this.#present)
    }

    end() {
      if (!this.#present) return
      const time = document.createElement('b')
      time.textContent = ` ${((performance.now() - this.#begun) / 1000).toFixed(1)} s`
      this.#present.append(time)
      this.#present = null
    }
  }

  async function follow(pre) {
    const terminal = new Terminal(pre)
    const list = document.getElementById(pre.dataset.steps ?? '')
    const steps = list && new Steps(list)
    const decoder = new TextDecoder()
    let [bytes, rest] = [0, '']
    pre.replaceChildren()
    list?.replaceChildren()
    for (let attempt = 0; attempt < 100; attempt++) {
      try {
        const answer = await fetch(`${pre.dataset.stream}?offset=${bytes}`)
        if (!answer.ok) return
        const reader = answer.body.getReader()
        for (;;) {
          const { done, value } = await reader.read()
          if (done) {
            steps?.end()
            document.dispatchEvent(new CustomEvent('paas:ended'))
            return
          }
          attempt = 0
          bytes += value.length
          const text = decoder.decode(value, { stream: true })
          terminal.write(text)
          const lines = (rest + text).split('\n')
          rest = lines.pop()
          for (const line of lines) steps?.see(line)
        }
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 1000))
      }
    }
  }

  // A build that began while the page was open comes with a refresh of the page.
  function begin() {
    for (const pre of document.querySelectorAll('pre[data-stream]')) {
      if (pre.following) continue
      pre.following = true
      void follow(pre)
    }
  }

  begin()
  document.addEventListener('paas:refreshed', begin)
})()
