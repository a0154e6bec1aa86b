import { describe, expect, it } from 'vitest'
import { judgeFirewall } from '../../src/doctor/firewall.ts'

const config = { httpPort: 80, httpsPort: 443, network: { firewall: true, allow: [], host: [] } }
const own = '-N PAAS-FORWARD\n'
const judge = (rules: string, options = { serves: true }) => judgeFirewall(own + rules, config, options).state

/** As ufw sets them. */
const ufw = (allowed: string): string => `-P INPUT DROP
-N ufw-before-input
-N ufw-user-input
-N ufw-reject-input
-A INPUT -j ufw-before-input
-A INPUT -j ufw-reject-input
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A ufw-before-input -j ufw-user-input
${allowed}
`

describe('a firewall', () => {
  it.each([
    ['-P INPUT ACCEPT', 'good'],
    ['-P INPUT DROP', 'bad'],
    ['-P INPUT DROP\n-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT', 'bad'],
    ['-P INPUT DROP\n-A INPUT -p tcp -m multiport --dports 22,80,443 -j ACCEPT', 'good'],
    ['-P INPUT DROP\n-A INPUT -p tcp -m tcp --dport 1:1023 -m comment --comment "for the web" -j ACCEPT', 'good'],
    ['-P INPUT DROP\n-A INPUT -s 10.0.0.0/8 -j ACCEPT', 'bad'],
    ['-P INPUT DROP\n-A INPUT -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT', 'good'],
    [
      '-P INPUT ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -j REJECT --reject-with x',
      'bad',
    ],
    ['-P INPUT ACCEPT\n-A INPUT -j A\n-A A -j RETURN\n-A A -j DROP', 'good'],
    ['-P INPUT ACCEPT\n-A INPUT -j A\n-A A -j B\n-A B -j A', 'good'],
    [ufw(''), 'bad'],
    [
      ufw(
        '-A ufw-user-input -p tcp -m tcp --dport 80 -j ACCEPT\n-A ufw-user-input -p tcp -m tcp --dport 443 -j ACCEPT',
      ),
      'good',
    ],
  ])('with %j is %s', (rules, state) => {
    expect(judge(rules)).toBe(state)
  })

  it('of which the rules that keep apps apart are gone is bad while the server runs', () => {
    expect(judgeFirewall('-P INPUT ACCEPT', config, { serves: true })).toMatchObject({
      state: 'bad',
      advice: /Restart/,
    })
    expect(judgeFirewall('-P INPUT ACCEPT', config, { serves: false }).state).toBe('good')
  })

  it('that is somebody else’s is a warning', () => {
    const off = { ...config, network: { ...config.network, firewall: false } }
    expect(judgeFirewall('-P INPUT ACCEPT', off, { serves: true }).state).toBe('warning')
  })
})
