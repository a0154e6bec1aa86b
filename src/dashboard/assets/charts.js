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

  function plot({ title, unit, lines }) {
    const holder = place.appendChild(document.createElement('section'))
    holder.className = 'card chart'
    const heading = holder.appendChild(document.createElement('h2'))
    heading.textContent = unit ? `${title}, ${unit}` : title
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
    for (const { time, text } of marks) {
      const x = Math.round(chart.valToPos(time, 'x', true))
      if (x < bbox.left || x > bbox.left + bbox.width) continue
      ctx.beginPath()
      ctx.moveTo(x, bbox.top)
      ctx.lineTo(x, bbox.top + bbox.height)
      ctx.stroke()
      ctx.fillText(text, x + 3, bbox.top + 12 * devicePixelRatio)
    }
    ctx.restore()
  }

  for (const chart of charts) plot(chart)
  probe.hidden = true
  addEventListener('resize', () => {
    for (const { chart, holder } of drawn) chart.setSize({ width: holder.clientWidth - 32, height: 200 })
  })
})()
