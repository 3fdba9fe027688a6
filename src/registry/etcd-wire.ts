import type {
  ICompare,
  IKeyValue,
  IRangeRequest,
  IRangeResponse,
  IRequestOp,
  ITxnRequest,
} from 'etcd3';
import { unreachable } from '../lib/invariant.ts';
import type { Revision } from '../model/ids.ts';
import type {
  Compare,
  LeaseId,
  Op,
  RangeAnswer,
  RangeRequest,
  StoredItem,
  TxnRequest,
} from './store.ts';

/** etcd writes int64 as decimal text. */
export function toRevision(text: string): Revision {
  return BigInt(text) as Revision;
}

export function toWireRange(request: RangeRequest): IRangeRequest {
  return {
    key: Buffer.from(request.range.from),
    range_end: Buffer.from(request.range.to),
    limit: request.limitCount,
    keys_only: request.keysOnly,
    ...(request.revision === null ? {} : { revision: String(request.revision) }),
  };
}

/** A pinned reading has the revision it was pinned to, whatever the store's is by now. */
export function fromWireRange(answer: IRangeResponse, request: RangeRequest): RangeAnswer {
  return {
    header: { storeId: answer.header.cluster_id, revision: toRevision(answer.header.revision) },
    revision: request.revision ?? toRevision(answer.header.revision),
    items: answer.kvs.map(fromWireItem),
    hasMore: answer.more,
    totalCount: Number(answer.count),
  };
}

export function fromWireItem(item: IKeyValue): StoredItem {
  return {
    key: item.key.toString(),
    value: item.value.toString(),
    createRevision: toRevision(item.create_revision),
    modRevision: toRevision(item.mod_revision),
    leaseId: item.lease === '0' ? null : (item.lease as LeaseId),
  };
}

export function toWireTxn(request: TxnRequest): ITxnRequest {
  return { compare: request.onlyIf.map(toWireCompare), success: request.writes.map(toWireOp) };
}

/** `range_end` is part of the protocol and of the client's descriptor, not of its types. */
type WireCompare = ICompare & { readonly range_end?: Buffer };

/**
 * The one place that builds compares: an unknown enum name would silently be sent as 0, and the
 * fence would compare something else, without an error.
 */
function toWireCompare(compare: Compare): WireCompare {
  switch (compare.kind) {
    case 'created':
      return {
        key: Buffer.from(compare.key),
        result: 'Equal',
        target: 'Create',
        create_revision: String(compare.at),
      };
    case 'modified':
      return {
        key: Buffer.from(compare.key),
        result: 'Equal',
        target: 'Mod',
        mod_revision: String(compare.at),
      };
    case 'absent':
      return {
        key: Buffer.from(compare.key),
        result: 'Equal',
        target: 'Create',
        create_revision: '0',
      };
    case 'empty':
      return {
        key: Buffer.from(compare.range.from),
        range_end: Buffer.from(compare.range.to),
        result: 'Equal',
        target: 'Create',
        create_revision: '0',
      };
    default:
      return unreachable(compare);
  }
}

function toWireOp(op: Op): IRequestOp {
  if (op.kind === 'delete') return { request_delete_range: { key: Buffer.from(op.key) } };
  return {
    request_put: {
      key: Buffer.from(op.key),
      value: Buffer.from(op.value),
      ...(op.leaseId === null ? {} : { lease: op.leaseId }),
    },
  };
}
