/** Why nothing is changed: words that operators see in log, metric and notices. */
export type FreezeWord = 'store-not-ours' | 'store-went-back' | 'store-too-new';

/** Whether the store is that of our cluster. `unknown`: it was not looked at yet. */
export type StoreStanding =
  | { readonly kind: 'unknown' }
  | {
      readonly kind: 'ours';
      readonly clusterId: string;
      readonly epoch: number;
      /** The lowest format that every daemon of the cluster has to understand. */
      readonly format: number;
    }
  | { readonly kind: 'frozen'; readonly why: FreezeWord; readonly reason: string };

/** What came of a wish to adopt the store; `refused` says why and what to do. */
export type AdoptOutcome =
  | { readonly kind: 'adopted'; readonly clusterId: string; readonly epoch: number }
  | { readonly kind: 'unneeded' }
  | { readonly kind: 'refused'; readonly why: string; readonly hint: string };

/** What came of a wish to raise the format of the cluster. */
export type FinishOutcome =
  | { readonly kind: 'raised' | 'unneeded'; readonly format: number }
  | { readonly kind: 'refused'; readonly why: string; readonly hint: string };

/** The API's door to the store as a whole. Throws FleetError as `Catalog` does. */
export interface StoreControl {
  standing(): StoreStanding;
  /** Follows the store as it is from now on, although it is not the one that was followed. */
  adopt(signal: AbortSignal): Promise<AdoptOutcome>;
  /** Raises the format of the cluster to what every present machine understands. */
  finishUpgrade(signal: AbortSignal): Promise<FinishOutcome>;
}
