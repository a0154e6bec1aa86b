import { heading, list } from './output.ts'
import type { BuildJson, BuildReportJson } from './resources/builds.ts'
import { formatTimeAndAge } from './time.ts'

/** How a build went: what it took, used again and made. */
export function describeBuild(build: BuildJson, app: string): string[] {
  const { report } = build
  return [
    heading(`Build ${build.id} of ${app}`),
    ...list([
      ['State', build.failure ? `${build.state}: ${build.failure.message}` : build.state],
      ['Version', build.source_blob.version?.slice(0, 40) || 'none'],
      ['By', build.user.email],
      ['When', formatTimeAndAge(build.created_at)],
      ['Buildpacks', build.buildpacks?.map(({ name }) => name).join(', ') || 'not known'],
      ...(report ? describeReport(report) : []),
    ]),
    ...section('Phases', Object.entries(report?.phases ?? {}).map(inSeconds)),
    ...(report?.packs.length ? ['', 'What its buildpacks report:', ...report.packs.map((line) => `  ${line}`)] : []),
  ]
}

function describeReport(report: BuildReportJson): [string, string][] {
  const sizes = [
    sized('source', report.source_bytes),
    sized('slug', report.slug_bytes),
    sized('dependencies', report.dependency_bytes || null),
    sized('image with its stack', report.image_bytes),
  ]
  return [
    ['Slug', slugOf(report)],
    ...(report.dependencies ? [['Dependencies', report.dependencies] satisfies [string, string]] : []),
    ['Sizes', sizes.filter(Boolean).join(', ') || 'not known'],
  ]
}

function slugOf({ unchanged_since: version, image_bytes: bytes }: BuildReportJson): string {
  if (version !== null) return `that of v${version}, since nothing had changed`
  return bytes === null ? 'none' : 'built'
}

function section(title: string, pairs: [string, string][]): string[] {
  return pairs.length === 0 ? [] : ['', `${title}:`, ...list(pairs).map((line) => `  ${line}`)]
}

function inSeconds([name, milliseconds]: [string, number]): [string, string] {
  return [name, `${(milliseconds / 1000).toFixed(2)} s`]
}

function sized(what: string, bytes: number | null): string {
  return bytes === null ? '' : `${what} ${(bytes / 2 ** 20).toFixed(1)} MiB`
}
