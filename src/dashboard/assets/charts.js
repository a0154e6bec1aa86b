// Draws what the page Metrics has in its attributes with uPlot. The same figures are in a table.
;(() => {
  const place = document.getElementById('charts')
  if (!place || typeof uPlot !== 'function') return
  const { times, charts } = JSON.parse(place.dataset.charts)
  const marks = JSON.parse(place.dataset.marks)
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
  // A computed custom property keeps `light-dark(…)`; as the colour of an element it is decided.
  const probe = document.body.appendChild(document.createElement('span'))
  const shade = (name) => {
    probe.style.color = `var(--${name})`
    return getComputedStyle(probe).color || colour(name)
  }
  const drawn = []

  function card({ title, unit }) {
    const holder = place.appendChild(document.createElement('section'))
    holder.className = 'card chart'
    const heading = holder.appendChild(document.createElement('h2'))
    heading.textContent = unit ? `${title}, ${unit}` : title
    return holder
  }

  function plot(holder, { lines }) {
    const axis = { stroke: shade('quiet'), grid: { stroke: shade('line'), width: 1 }, ticks: { stroke: shade('line') } }
    const options = {
      width: holder.clientWidth - 32,
      height: 200,
      cursor: { sync: { key: 'metrics' } },
      scales: { y: { range: (_, low, high) => [0, Math.max(high ?? 0, 1) * 1.05] } },
      axes: [axis, { ...axis, size: 56 }],
      series: [
        {},
        ...lines.map((line) => ({ label: line.name, stroke: shade(line.tone), width: 1.5, points: { show: false } })),
      ],
      hooks: { draw: [drawMarks] },
    }
    const chart = new uPlot(options, [times, ...lines.map(({ values }) => values)], holder)
    drawn.push({ chart, holder })
  }

  function drawMarks(chart) {
    const { ctx, bbox } = chart
    ctx.save()
    ctx.strokeStyle = ctx.fillStyle = shade('accent')
    ctx.setLineDash([4, 4])
    ctx.font = `${11 * devicePixelRatio}px sans-serif`
    let free = 0
    for (const { time, text } of marks.toSorted((one, other) => one.time - other.time)) {
      const x = Math.round(chart.valToPos(time, 'x', true))
      if (x < bbox.left || x > bbox.left + bbox.width) continue
      ctx.beginPath()
      ctx.moveTo(x, bbox.top)
      ctx.lineTo(x, bbox.top + bbox.height)
      ctx.stroke()
      if (x < free) continue // its number would lie on another one
      const { width } = ctx.measureText(text)
      const isCut = x + 3 + width > bbox.left + bbox.width
      ctx.fillText(text, isCut ? x - 3 - width : x + 3, bbox.top + 12 * devicePixelRatio)
      free = x + 3 + width + 3
    }
    ctx.restore()
  }

  // How wide each is depends on how many there are.
  const holders = charts.map(card)
  for (const [index, chart] of charts.entries()) plot(holders[index], chart)
  probe.hidden = true
  addEventListener('resize', () => {
    for (const { chart, holder } of drawn) chart.setSize({ width: holder.clientWidth - 32, height: 200 })
  })
})()
