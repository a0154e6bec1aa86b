import { expect, it } from 'vitest'
import { parseUpdates } from '../../src/build/stack/updates.ts'

/** As apt 3.0 says it. */
const said = `Index 3f2a9c0b11d4e5f6
State /tmp/states/0
Reading package lists...
Building dependency tree...
Inst login.defs [1:4.17.4-2] (1:4.17.4-2+deb13u1 Debian-Security:13/stable-security [all])
Inst base-files [13.8] (13.8+deb13u2 Debian:13.2/stable [amd64])
Inst libssl3t64 [3.5.1-1] (3.5.4-1~deb13u1 Debian:13.2/stable, Debian-Security:13/stable-security [amd64]) [libcurl4t64:amd64 ]
Inst linux-image (6.12 Debian:13.2/stable [amd64])
Remv old-thing [1.0]
Conf login.defs (1:4.17.4-2+deb13u1 Debian-Security:13/stable-security [all])
State /tmp/states/1
0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.
`

it('what apt would upgrade is read of what it says, for each state, with what the security team published', () => {
  expect(parseUpdates(said)).toEqual({
    snapshot: '3f2a9c0b11d4e5f6',
    updates: [
      [
        { package: 'login.defs', installed: '1:4.17.4-2', available: '1:4.17.4-2+deb13u1', security: true },
        { package: 'base-files', installed: '13.8', available: '13.8+deb13u2', security: false },
        { package: 'libssl3t64', installed: '3.5.1-1', available: '3.5.4-1~deb13u1', security: true },
      ],
      [],
    ],
  })
})
