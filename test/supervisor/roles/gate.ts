import { runRole } from '../../../src/main/run-role.ts'

await runRole('gate', 'control', () => Promise.resolve(new AsyncDisposableStack()))
