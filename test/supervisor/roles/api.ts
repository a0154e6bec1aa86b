import { runRole } from '../../../src/main/run-role.ts'

await runRole('api', 'control', () => Promise.resolve(new AsyncDisposableStack()))
