import { expect, it } from 'vitest';
import { addedUp, ratesOf, samplesBy } from '../../../bench/prometheus.ts';

const text = `# HELP grpc_server_msg_received_total messages
grpc_server_msg_received_total{grpc_method="Watch",grpc_type="bidi_stream"} 5
grpc_server_msg_received_total{grpc_method="Range",grpc_type="unary"} 2e+01
grpc_server_msg_received_total{grpc_type="other",grpc_method="Watch"} 1
grpc_server_msg_received_total_created{grpc_method="Watch"} 9
process_cpu_seconds_total 1.5
`;

it('samples are read by a label and added up', () => {
  const samples = samplesBy(text, 'grpc_server_msg_received_total', 'grpc_method');
  expect([...samples]).toEqual([
    ['Watch', 6],
    ['Range', 20],
  ]);
  expect([...samplesBy(text, 'process_cpu_seconds_total', 'type')]).toEqual([['', 1.5]]);
  expect([...addedUp([samples, samples])]).toEqual([
    ['Watch', 12],
    ['Range', 40],
  ]);
});

it('rates leave out what stood still', () => {
  const before = new Map([
    ['Watch', 6],
    ['Range', 20],
  ]);
  const after = new Map([...before, ['Range', 50], ['Txn', 3]]);
  expect([...ratesOf(before, after, 3)]).toEqual([
    ['Range', 10],
    ['Txn', 1],
  ]);
});
