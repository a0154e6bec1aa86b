import { expect, it } from 'vitest'
import { startServer } from '../helpers/server.ts'
import { RunningAddon } from './running.ts'

it('a database that is asked for with PostGIS or pgvector has it, over a reset too, and others are as small as before', async () => {
  await using server = await startServer()
  await using database = await RunningAddon.create(server, 'postgresql', undefined, { postgis: true })
  const sql = async (text: string): Promise<string> => (await database.paas(['pg:psql', '-c', text])).stdout
  const distance = "SELECT ST_Distance('POINT(0 0)'::geometry, 'POINT(3 4)'::geometry) AS d"
  expect(await sql(distance)).toMatch(/\b5\b/)
  await database.program('reset')
  expect(await sql(distance)).toMatch(/\b5\b/)
  await using other = await RunningAddon.create(server, 'postgresql')
  const { stderr } = await other.paas(['pg:psql', '-c', 'CREATE EXTENSION postgis'])
  expect(stderr).toContain('extension "postgis" is not available')
  await using close = await RunningAddon.create(server, 'postgresql', undefined, { vector: true })
  const vector = await close.paas(['pg:psql', '-c', "SELECT '[1,2]'::vector <-> '[4,6]'"])
  expect(vector.stdout).toMatch(/\b5\b/)
}, 900_000)
