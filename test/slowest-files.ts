import { relative } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'

const shown = 10

/** Says at the end of a run which files took longest, from the start of their first hook to the end of their last one. */
export default class SlowestFiles implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    if (modules.length <= shown) return
    const slowest = modules.toSorted((a, b) => b.diagnostic().duration - a.diagnostic().duration).slice(0, shown)
    process.stdout.write(`\nThe ${shown} slowest files:\n${slowest.map(line).join('')}`)
  }
}

function line(module: TestModule): string {
  const seconds = (module.diagnostic().duration / 1000).toFixed(1)
  return `${seconds.padStart(7)} s  ${relative(process.cwd(), module.moduleId)}\n`
}
