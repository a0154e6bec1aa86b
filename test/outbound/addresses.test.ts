import { networkInterfaces } from 'node:os'
import { describe, expect, it } from 'vitest'
import { AddressPolicy } from '../../src/outbound/addresses.ts'

const policy = new AddressPolicy({ allow: [], ownPorts: [8080] })

describe('what strangers entered may not lead to', () => {
  it.each([
    '127.0.0.1',
    '127.8.9.1',
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:a9fe:a9fe',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    'not an address',
    '',
  ])('%s', (address) => {
    expect(policy.permits(address, 443)).toBe(false)
  })
})

describe('what they may lead to', () => {
  it.each(['1.1.1.1', '172.32.0.1', '100.128.0.1', '::ffff:8.8.8.8', '2606:4700:4700::1111', '2a00:1450::1'])(
    '%s',
    (address) => {
      expect(policy.permits(address, 443)).toBe(true)
    },
  )

  it('what the operator allows, and nothing beside it', () => {
    const open = new AddressPolicy({ allow: ['10.1.0.0/16', '127.0.0.1/32'], ownPorts: [] })
    expect(['10.1.2.3', '127.0.0.1', '::ffff:127.0.0.1'].map((address) => open.permits(address, 514))).toEqual([
      true,
      true,
      true,
    ])
    expect(['10.2.0.1', '127.0.0.2'].map((address) => open.permits(address, 514))).toEqual([false, false])
  })

  it('none of this machine’s own addresses by another port than the router’s', () => {
    const own = Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? [])
    expect(own.filter((address) => policy.permits(address, 22))).toEqual([])
  })
})
