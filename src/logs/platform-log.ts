import type { DynoFacts } from '../model/dyno.ts'
import type { AppId } from '../model/ids.ts'
import type { AppLogWriter } from '../model/app-log.ts'

/** What the platform did, in the app's own log and in Heroku's words. */
export interface PlatformLog {
  /** `heroku[web.1]: State changed from starting to up` */
  dyno(dyno: Pick<DynoFacts, 'appId' | 'name'>, text: string): void
  /** `app[api]: Release v3 created by user a@example.com` */
  api(appId: AppId, text: string): void
}

export function createPlatformLog(logs: Pick<AppLogWriter, 'write'>): PlatformLog {
  return {
    dyno: (dyno, text) => logs.write(dyno.appId, { time: new Date(), source: 'heroku', process: dyno.name, text }),
    api: (appId, text) => logs.write(appId, { time: new Date(), source: 'app', process: 'api', text }),
  }
}
