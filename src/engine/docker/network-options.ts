import type { AppId } from '../../model/ids.ts'
import { label, type Kind } from '../labels.ts'
import { bridgeName, networkName, type NetworkPurpose } from './names.ts'

type Network = { appId: AppId | undefined; purpose: NetworkPurpose; subnet: string }

/** How a network of a server is made. */
export function networkOptions(serverId: string, { appId, purpose, subnet }: Network) {
  return {
    Name: networkName(serverId, appId, purpose),
    Driver: 'bridge',
    CheckDuplicate: true,
    EnableIPv6: false,
    IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] },
    Options: {
      'com.docker.network.bridge.name': bridgeName(serverId, appId, purpose),
      'com.docker.network.bridge.enable_icc': String(purpose === 'run'),
    },
    Labels: {
      [label.server]: serverId,
      [label.kind]: 'network' satisfies Kind,
      ...(appId === undefined ? {} : { [label.app]: appId }),
    },
  }
}
