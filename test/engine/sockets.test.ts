import { expect, it } from 'vitest'
import { parseSockets } from '../../src/engine/docker/sockets.ts'

it('listening sockets are read from the tables of the kernel', () => {
  const table = `
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0
   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 2 1 0
   2: 0200000A:1388 0100000A:C350 01 00000000:00000000 00:00000000 00000000  1000        0 3 1 0
  sl  local_address                         remote_address                        st tx_queue rx_queue
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: 00000000000000000000000001000000:1389 00000000000000000000000000000000:0000 0A 00000000:00000000
   2: 0000000000000000FFFF00000100007F:138A 00000000000000000000000000000000:0000 0A 00000000:00000000
`
  expect(parseSockets(table)).toEqual([
    { address: '0.0.0.0', port: 5000 },
    { address: '127.0.0.1', port: 8080 },
    { address: '::', port: 80 },
    { address: '::1', port: 5001 },
    { address: '127.0.0.1', port: 5002 },
  ])
})
