import { runRole } from '../../../src/main/run-role.ts'

await runRole('worker', 'control', async ({ note }) => {
  note('has something to say')
  const lives = process.env['TEST_WORKER_LIVES_MS']
  if (lives) setTimeout(() => process.exit(3), Number(lives))
  process.on('SIGUSR2', () => {
    for (;;);
  })
  return new AsyncDisposableStack()
})
