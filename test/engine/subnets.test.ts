import { describe, expect, it } from 'vitest'
import { freeSubnet, ipv4Range, parseRoutes } from '../../src/engine/docker/subnets.ts'

const range = (cidr: string) => ipv4Range(cidr)!

describe('a free subnet', () => {
  it('is the one asked for while nothing is taken', () => {
    expect(freeSubnet([], 0)).toBe('10.208.0.0/24')
    expect(freeSubnet([], 4095)).toBe('10.223.255.0/24')
  })

  it('begins again at the start of the pool after its end', () => {
    expect(freeSubnet([range('10.223.255.0/24')], 4095)).toBe('10.208.0.0/24')
    expect(freeSubnet([], 4096 + 3)).toBe('10.208.3.0/24')
  })

  it('overlaps neither larger nor smaller networks', () => {
    expect(freeSubnet([range('10.208.0.0/22')], 0)).toBe('10.208.4.0/24')
    expect(freeSubnet([range('10.208.0.200/32')], 0)).toBe('10.208.1.0/24')
  })

  it('is none when the pool is used up', () => {
    expect(freeSubnet([range('10.0.0.0/8')], 17)).toBeUndefined()
  })
})

describe('a network in CIDR notation', () => {
  it('ignores host bits', () => {
    expect(ipv4Range('10.1.2.3/16')).toEqual(ipv4Range('10.1.0.0/16'))
  })

  it.each(['', 'fd00::/8', '10.0.0.256/24', '10.0.0.0/33', '10.0.0.0'])('is not "%s"', (text) => {
    expect(ipv4Range(text)).toBeUndefined()
  })
})

describe('the routes of the host', () => {
  it('are read without the default route', () => {
    const table = [
      'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT',
      'eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0',
      'eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
      'tun0\t0000D00A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0',
      '',
    ]
    expect(parseRoutes(table.join('\n'))).toEqual([range('192.0.2.0/24'), range('10.208.0.0/16')])
  })
})
