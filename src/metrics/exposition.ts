import { AggregatorRegistry } from 'prom-client'

export type MetricLabels = Record<string, string>

/** `name` where it differs from the family's, as in histograms. */
export type Sample = { name?: string; labels: MetricLabels; value: number }

export type Family = {
  name: string
  help: string
  type: 'counter' | 'gauge' | 'histogram'
  samples: Sample[]
}

/**
 * What Prometheus reads, version 0.0.4 of its text format. Families without samples are left out.
 */
export async function expose(families: Family[]): Promise<{ contentType: string; text: string }> {
  const given = families
    .filter(({ samples }) => samples.length > 0)
    .map(({ samples, ...family }) => ({
      ...family,
      aggregator: 'sum',
      values: samples.map(({ name, labels, value }) => ({ labels, value, metricName: name ?? family.name })),
    }))
  // prom-client counts within one process. Counts of other processes come in through
  // its aggregation of worker processes.
  const registry = AggregatorRegistry.aggregate([given])
  return { contentType: registry.contentType, text: await registry.metrics() }
}
