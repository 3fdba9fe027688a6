import type { HistogramSample, Metric, MetricLabels } from '../lib/metric.ts';

/** The content type of Prometheus' text format, version 0.0.4. */
export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8';

/** Metrics in Prometheus' text format. */
export function metricsText(metrics: readonly Metric[]): string {
  return metrics.map(metricText).join('');
}

function metricText(metric: Metric): string {
  const { name, help, type } = metric;
  const head = `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n`;
  if (metric.type === 'histogram') {
    return head + metric.samples.map((sample) => histogramText(name, sample)).join('');
  }
  return head + metric.samples.map(({ labels, value }) => line(name, labels, value)).join('');
}

function histogramText(name: string, { labels, reading }: HistogramSample): string {
  const { bounds, counts, count, sum } = reading;
  const buckets = bounds.map((bound, index) =>
    line(`${name}_bucket`, { ...labels, le: String(bound) }, counts[index] ?? 0),
  );
  return [
    ...buckets,
    line(`${name}_bucket`, { ...labels, le: '+Inf' }, count),
    line(`${name}_sum`, labels, sum),
    line(`${name}_count`, labels, count),
  ].join('');
}

function line(name: string, labels: MetricLabels, value: number): string {
  const pairs = Object.entries(labels).map(
    ([label, text]) => `${label}="${escaped(text).replaceAll('"', '\\"')}"`,
  );
  const shown = pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
  return `${name}${shown} ${value}\n`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
