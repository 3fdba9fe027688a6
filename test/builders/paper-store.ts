import type {
  AdoptOutcome,
  FinishOutcome,
  StoreControl,
  StoreStanding,
} from '../../src/model/store-standing.ts';

/** What stands for the store as a whole where no store is. */
export class PaperStore implements StoreControl {
  now: StoreStanding = { kind: 'ours', clusterId: 'paper', epoch: 1, format: 1 };
  /** What the next adoption comes to, when it is not simply done. */
  adoption: AdoptOutcome | null = null;
  finish: FinishOutcome = { kind: 'unneeded', format: 1 };

  standing(): StoreStanding {
    return this.now;
  }

  async adopt(): Promise<AdoptOutcome> {
    if (this.adoption !== null) return this.adoption;
    if (this.now.kind === 'ours') return { kind: 'unneeded' };
    this.now = { kind: 'ours', clusterId: 'paper', epoch: 2, format: 1 };
    return { kind: 'adopted', clusterId: 'paper', epoch: 2 };
  }

  async finishUpgrade(): Promise<FinishOutcome> {
    return this.finish;
  }
}
