// api: fleet's HTTP API v1 and our additions to it.
// Knows HTTP and the Catalog of src/model; nothing of etcd, systemd or the engine.
// Start here: this file is the contract with fleetctl. server.ts shows how it is served.

/** All routes live under this path. */
export const apiRoot = '/fleet/v1';

/** Items a page holds when the request does not say (`token_limit`). */
export const pageItemsDefault = 100;

/** The most items a page holds, whatever `limit=` asks for. */
export const pageItemsMax = 1000;

/** The same for `GET /state`, whose items are small and alike. */
export const stateItemsMax = 5000;

/** The most units that `GET /units?names=` is asked for at once. */
export const unitNamesMax = 100;

/** One assignment of a unit file, in order of appearance. */
export interface UnitOptionBody {
  readonly section: string;
  readonly name: string;
  readonly value: string;
}

/** Desired and current states of a unit, as API v1 names them. */
export type UnitStateWord = 'inactive' | 'loaded' | 'launched';

/** Why machines cannot take a unit; an addition to API v1. */
export interface ObjectionBody {
  readonly why: string;
  readonly count: number;
  readonly machines: readonly string[];
}

/** A unit as `GET /units` and `GET /units/NAME` give it. */
export interface UnitBody {
  readonly name: string;
  readonly options: readonly UnitOptionBody[];
  readonly desiredState: UnitStateWord;
  readonly currentState: UnitStateWord;
  /** The machine it is placed on; absent for global units and while it is placed nowhere. */
  readonly machineID?: string;
  // What follows is not part of API v1; fleet's own clients ignore it.
  /** The text byte for byte. */
  readonly text: string;
  /** SHA-1 of the options' normal form, as in `UnitStateBody`. */
  readonly hash: string;
  readonly global: boolean;
  /** Grows with each `restart` that was asked for. */
  readonly restartCount: number;
  /** null until the leader has looked at it; always null for global and inactive units. */
  readonly placement: {
    /** Wall time of the decision, ms since 1970. */
    readonly sinceMs: number;
    readonly reason: string;
    /** A oneshot that has ended well; launching it again runs it again. Absent: it has not. */
    readonly finished?: true;
    /**
     * Until when (wall time, ms since 1970) it starts on no other machine, since one that is away
     * may still run it. Absent: nothing holds it.
     */
    readonly heldUntilMs?: number;
    /** Why it fits nowhere; empty when it is placed. */
    readonly objections: readonly ObjectionBody[];
  } | null;
  /** What each machine says of it, sorted by machine. */
  readonly machines: readonly {
    readonly machineID: string;
    readonly currentState: UnitStateWord | 'refused';
    readonly active: string;
    readonly sub: string;
    /** Why it did not start or load there, with systemd's words. */
    readonly problem: string | null;
  }[];
}

/** `GET /units`; with `?brief=true`, an addition, `options` and `text` of each unit are empty. */
export interface UnitPageBody {
  readonly units: readonly UnitBody[];
  readonly nextPageToken?: string;
}

/** `PUT /units/NAME`. `options` may be left out for a known unit, `text` always. */
export interface PutUnitBody {
  readonly name?: string;
  readonly desiredState?: UnitStateWord;
  readonly options?: readonly UnitOptionBody[];
  /** The unit file byte for byte; must parse to `options` when both are given. */
  readonly text?: string;
  /**
   * Not part of API v1: start a known unit anew on its machine, after stopping it where it runs.
   * Goes with `desiredState: launched` or none, and without content.
   */
  readonly restart?: boolean;
}

/** One row of `GET /state`. */
export interface UnitStateBody {
  readonly name: string;
  readonly hash: string;
  readonly machineID: string;
  readonly systemdLoadState: string;
  readonly systemdActiveState: string;
  /** `hold-9s`, which systemd does not say: it waits that long for `OnPartition=stop`. */
  readonly systemdSubState: string;
  /** Not part of API v1: why it is refused or did not start, or how it failed since. */
  readonly problem: string | null;
  /** Not part of API v1: it runs though the cluster has no order about it. Absent: it has one. */
  readonly orphan?: true;
}

/** `GET /state`. */
export interface UnitStatePageBody {
  readonly states: readonly UnitStateBody[];
  readonly nextPageToken?: string;
}

/** One row of `GET /machines`. */
export interface MachineBody {
  readonly id: string;
  readonly primaryIP: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Not part of API v1. */
  readonly version: string;
}

/** One operation of `PATCH /machines`, whose body is a list of them. */
export interface MetadataOperationBody {
  readonly op: 'add' | 'remove' | 'replace';
  /** `/MACHINEID/metadata/KEY` */
  readonly path: string;
  /** Not empty; `remove` needs none. fleet 1.0 took it as `{"value": …}` only. */
  readonly value?: string | { readonly value: string };
}

/** `GET /machines`. */
export interface MachinePageBody {
  readonly machines: readonly MachineBody[];
  readonly nextPageToken?: string;
}

/** One row of `GET /members`, an addition to API v1: a machine ever seen, present or away. */
export interface MemberBody {
  readonly id: string;
  /** As it was when it was last seen; null: not known, as with every field here. */
  readonly primaryIP: string | null;
  readonly version: string | null;
  readonly present: boolean;
  /** It said goodbye; null while it is present, or when that is not known. */
  readonly left: boolean | null;
  /** ms since 1970. */
  readonly firstSeenMs: number | null;
  /** ms since 1970; null while it is present, or when that is not known. */
  readonly awaySinceMs: number | null;
}

/** `GET /members`. */
export interface MemberPageBody {
  readonly members: readonly MemberBody[];
  readonly nextPageToken?: string;
}

/** `GET /notices`, an addition to API v1: conditions of the cluster that a person must know of. */
export interface NoticesBody {
  readonly notices: readonly NoticeBody[];
}

/** One of them, for as long as it lasts. */
export interface NoticeBody {
  /** `brake`, `orphans`, …; see docs/reference/api.md. New ones may come. */
  readonly kind: string;
  /** What is the matter, one line. */
  readonly text: string;
  /** The next step, one line. */
  readonly hint: string;
}

/** `GET /store`, an addition to API v1: whether the store is that of this machine's cluster. */
export interface StoreBody {
  /** `unknown`: not looked at yet; `frozen`: it is not, so nothing is changed. */
  readonly standing: 'unknown' | 'ours' | 'frozen';
  /** With `frozen`: `store-not-ours`, `store-went-back` or `store-too-new`, and in words. */
  readonly why?: string;
  readonly reason?: string;
  /** With `ours`. */
  readonly clusterId?: string;
  readonly epoch?: number;
  readonly format?: number;
  /** What became of a `POST`: `adopted`, `raised` or `unneeded`. */
  readonly outcome?: string;
}

/** `GET /joining`, an addition to API v1: what a machine must be told to become part of the cluster. */
export interface JoiningBody {
  /** Where the members of its etcd say that they answer; those that only learn are left out. */
  readonly etcdServers: readonly string[];
  /** As in fleet.conf of the machine that is asked, as what follows. */
  readonly etcdKeyPrefix: string;
  readonly agentTtl: string;
  /** Paths on each machine; null: etcd is reached without such a file. */
  readonly etcdCaFile: string | null;
  readonly etcdCertFile: string | null;
  readonly etcdKeyFile: string | null;
}

/** `POST /store`. */
export interface PostStoreBody {
  readonly action: 'adopt' | 'finish-upgrade';
}

/** Every answer with a status of 400 or more. */
export interface ErrorBody {
  readonly error: {
    readonly code: number;
    readonly message: string;
    /** Not part of API v1: the next step, one sentence. */
    readonly hint?: string;
  };
}
