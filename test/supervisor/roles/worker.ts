import { runRole } from '../../../src/main/run-role.ts'

await runRole('worker', 'control', () => Promise.resolve(new AsyncDisposableStack()))
