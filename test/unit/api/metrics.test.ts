import { describe, expect, it } from 'vitest';
import { metricsText } from '../../../src/api/metrics-text.ts';
import { createApi } from '../../../src/api/server.ts';
import { Histogram, type Metric } from '../../../src/lib/metric.ts';
import { captureLog } from '../../builders/api-server.ts';
import { FakeCluster } from '../../builders/fake-cluster.ts';

const requests: Metric = {
  name: 'fleet_requests_total',
  help: 'Requests\nby \\ type.',
  type: 'counter',
  samples: [
    { labels: { type: 'a"b\\c\nd' }, value: 3 },
    { labels: {}, value: 1.5 },
  ],
};

describe("Prometheus' text format", () => {
  it('has a line for each value, with everything escaped', () => {
    expect(metricsText([requests])).toBe(
      '# HELP fleet_requests_total Requests\\nby \\\\ type.\n' +
        '# TYPE fleet_requests_total counter\n' +
        'fleet_requests_total{type="a\\"b\\\\c\\nd"} 3\n' +
        'fleet_requests_total 1.5\n',
    );
  });

  it('has buckets that add up, and an endless one, for a histogram', () => {
    const histogram = new Histogram([0.1, 1]);
    for (const ms of [50, 100, 500, 5_000]) histogram.observe(ms);
    const sample = { labels: { ops: 'txn' }, reading: histogram.read() };
    const metric = { name: 'h', help: 'x', type: 'histogram', samples: [sample] } as const;
    expect(metricsText([metric]).split('\n').slice(1, -1)).toEqual([
      '# TYPE h histogram',
      'h_bucket{ops="txn",le="0.1"} 2',
      'h_bucket{ops="txn",le="1"} 3',
      'h_bucket{ops="txn",le="+Inf"} 4',
      'h_sum{ops="txn"} 5.65',
      'h_count{ops="txn"} 4',
    ]);
  });
});

describe('GET /metrics', () => {
  it('lies outside the prefix and answers with text', async () => {
    const { catalog } = new FakeCluster({ machineCount: 0 });
    const { log } = captureLog();
    const answers: string[] = [];
    const api = await createApi({
      ...{ catalog, log, version: '1' },
      metrics: () => [requests],
      onAnswer: (method, status) => answers.push(`${method} ${status}`),
    });
    const answer = await api.inject({ method: 'GET', url: '/metrics' });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.text).toContain('fleet_requests_total 1.5\n');
    const refused = await api.inject({ method: 'PUT', url: '/metrics', headers: {}, body: '' });
    expect([refused.status, refused.headers['allow']]).toEqual([405, 'GET, HEAD']);
    expect(answers).toEqual(['GET 200', 'PUT 405']);
  });
});
