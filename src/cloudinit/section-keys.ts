import type { FieldType } from './fields.ts';

/** What a key of a section becomes. */
export type Meaning =
  /** An environment variable of the same meaning. */
  | { readonly kind: 'variable'; readonly name: string }
  /** Worked out by the translation of the section. */
  | { readonly kind: 'translated'; readonly to: string }
  /** Today's program does without, which is told. */
  | { readonly kind: 'gone'; readonly why: string }
  /** Cannot be done any more, and going on without it would be something else. */
  | { readonly kind: 'refused'; readonly why: string };

/** One key of a section. */
export interface SectionKey {
  readonly type: FieldType;
  readonly meaning: Meaning;
  /** What it has to look like, and how that is said. */
  readonly shape?: { readonly pattern: RegExp; readonly words: string };
}

/** The keys of a section, by their names with underscores. */
export type SectionKeys = Readonly<Record<string, SectionKey>>;

type Variables = Readonly<Record<string, FieldType>>;

function variables(prefix: string, types: Variables): SectionKeys {
  const keys = Object.entries(types).map(([key, type]): [string, SectionKey] => {
    return [key, { type, meaning: { kind: 'variable', name: prefix + key.toUpperCase() } }];
  });
  return Object.fromEntries(keys);
}

function meaning(type: FieldType, what: Meaning): SectionKey {
  return { type, meaning: what };
}

const url = {
  pattern: /^https?:\/\/[^\s/]+(\/\S*)?$/,
  words: 'a URL such as http://10.0.0.1:2379/v2/keys/discovery/TOKEN',
};

function etcdVariable(key: string, type: FieldType): SectionKey {
  return meaning(type, { kind: 'variable', name: `ETCD_${key.toUpperCase()}` });
}

const discovery: SectionKey = { ...etcdVariable('discovery', 'text'), shape: url };

/** Certificates were asked for by naming who signs them; that has a key of its own now. */
const certificateAuthorities: SectionKeys = {
  ca_file: meaning('text', {
    kind: 'translated',
    to: 'ETCD_TRUSTED_CA_FILE and ETCD_CLIENT_CERT_AUTH=true',
  }),
  peer_ca_file: meaning('text', {
    kind: 'translated',
    to: 'ETCD_PEER_TRUSTED_CA_FILE and ETCD_PEER_CLIENT_CERT_AUTH=true',
  }),
};

/** What etcd 0.4's cloud-config, etcd 2's and today's etcd have in common. */
const etcdCommon: SectionKeys = {
  ...variables('ETCD_', {
    advertise_client_urls: 'text',
    cert_file: 'text',
    cors: 'text',
    data_dir: 'text',
    discovery_fallback: 'text',
    discovery_proxy: 'text',
    discovery_srv: 'text',
    election_timeout: 'whole',
    force_new_cluster: 'truth',
    heartbeat_interval: 'whole',
    initial_advertise_peer_urls: 'text',
    initial_cluster: 'text',
    initial_cluster_state: 'text',
    initial_cluster_token: 'text',
    key_file: 'text',
    listen_client_urls: 'text',
    listen_peer_urls: 'text',
    max_snapshots: 'whole',
    max_wals: 'whole',
    name: 'text',
    peer_cert_file: 'text',
    peer_key_file: 'text',
    snapshot_count: 'whole',
  }),
  discovery,
  proxy: {
    ...etcdVariable('proxy', 'text'),
    shape: { pattern: /^(on|off|readonly)$/, words: 'on, off or readonly' },
  },
  ...certificateAuthorities,
};

const always = 'etcd always does so now';
const itself = 'etcd chooses that itself now';
const members = 'members are added and removed with etcdctl now';
const logged = 'ETCD_LOG_LEVEL=debug';
const notNames = 'a list of peers does not tell their names; use discovery or initial_cluster';

const etcdZero: SectionKeys = {
  ...etcdCommon,
  addr: meaning('text', { kind: 'translated', to: 'ETCD_ADVERTISE_CLIENT_URLS' }),
  bind_addr: meaning('text', { kind: 'translated', to: 'ETCD_LISTEN_CLIENT_URLS' }),
  peer_addr: meaning('text', { kind: 'translated', to: 'ETCD_INITIAL_ADVERTISE_PEER_URLS' }),
  peer_bind_addr: meaning('text', { kind: 'translated', to: 'ETCD_LISTEN_PEER_URLS' }),
  peer_election_timeout: meaning('whole', { kind: 'variable', name: 'ETCD_ELECTION_TIMEOUT' }),
  peer_heartbeat_interval: meaning('whole', { kind: 'variable', name: 'ETCD_HEARTBEAT_INTERVAL' }),
  peers: meaning('text', { kind: 'refused', why: notNames }),
  peers_file: meaning('text', { kind: 'refused', why: notNames }),
  cluster_active_size: meaning('whole', { kind: 'gone', why: members }),
  cluster_remove_delay: meaning('number', { kind: 'gone', why: members }),
  cluster_sync_interval: meaning('number', { kind: 'gone', why: members }),
  graphite_host: meaning('text', { kind: 'gone', why: 'metrics are at /metrics of etcd now' }),
  http_read_timeout: meaning('number', { kind: 'gone', why: itself }),
  http_write_timeout: meaning('number', { kind: 'gone', why: itself }),
  max_result_buffer: meaning('whole', { kind: 'gone', why: itself }),
  max_retry_attempts: meaning('whole', { kind: 'gone', why: itself }),
  retry_interval: meaning('number', { kind: 'gone', why: itself }),
  snapshot: meaning('truth', { kind: 'gone', why: always }),
  trace: meaning('text', { kind: 'gone', why: 'metrics are at /metrics of etcd now' }),
  verbose: meaning('truth', { kind: 'translated', to: logged }),
  very_verbose: meaning('truth', { kind: 'translated', to: logged }),
  very_very_verbose: meaning('truth', { kind: 'translated', to: logged }),
};

const etcdTwo: SectionKeys = {
  ...etcdCommon,
  ...variables('ETCD_', {
    client_cert_auth: 'truth',
    enable_pprof: 'truth',
    log_package_levels: 'text',
    peer_client_cert_auth: 'truth',
    peer_trusted_ca_file: 'text',
    proxy_dial_timeout: 'whole',
    proxy_failure_wait: 'whole',
    proxy_read_timeout: 'whole',
    proxy_refresh_interval: 'whole',
    proxy_write_timeout: 'whole',
    strict_reconfig_check: 'truth',
    trusted_ca_file: 'text',
    wal_dir: 'text',
  }),
  debug: meaning('truth', { kind: 'translated', to: logged }),
};

const etcdThree: SectionKeys = {
  ...etcdTwo,
  ...variables('ETCD_', {
    auth_token: 'text',
    auto_compaction_mode: 'text',
    auto_compaction_retention: 'text',
    auto_tls: 'truth',
    cipher_suites: 'text',
    enable_v2: 'truth',
    host_whitelist: 'text',
    initial_election_tick_advance: 'truth',
    listen_metrics_urls: 'text',
    log_level: 'text',
    log_outputs: 'text',
    logger: 'text',
    max_request_bytes: 'whole',
    max_txn_ops: 'whole',
    metrics: 'text',
    peer_auto_tls: 'truth',
    pre_vote: 'truth',
    quota_backend_bytes: 'whole',
  }),
};

const fleet = variables('FLEET_', {
  agent_ttl: 'text',
  authorized_keys_file: 'text',
  disable_engine: 'truth',
  engine_reconcile_interval: 'number',
  etcd_cafile: 'text',
  etcd_certfile: 'text',
  etcd_key_prefix: 'text',
  etcd_keyfile: 'text',
  etcd_password: 'text',
  etcd_request_timeout: 'number',
  etcd_servers: 'text',
  etcd_username: 'text',
  metadata: 'text',
  public_ip: 'text',
  token_limit: 'whole',
  verbosity: 'whole',
  verify_units: 'truth',
  // What fleetd has learned since.
  api_listen: 'text',
  brake_seconds: 'whole',
  disable_watches: 'truth',
  enable_grpc: 'truth',
  etcd_quota_bytes: 'whole',
  insecure_tcp: 'truth',
  systemd_user: 'truth',
  units_directory: 'text',
  wedge_seconds: 'text',
});

const flannel: SectionKeys = {
  ...variables('FLANNELD_', {
    etcd_cafile: 'text',
    etcd_certfile: 'text',
    etcd_endpoints: 'text',
    etcd_keyfile: 'text',
    etcd_password: 'text',
    etcd_prefix: 'text',
    etcd_username: 'text',
    ip_masq: 'text',
    public_ip: 'text',
    subnet_file: 'text',
  }),
  interface: meaning('text', { kind: 'variable', name: 'FLANNELD_IFACE' }),
};

const locksmith: SectionKeys = {
  ...variables('LOCKSMITHD_', {
    endpoint: 'text',
    etcd_cafile: 'text',
    etcd_certfile: 'text',
    etcd_keyfile: 'text',
    etcd_password: 'text',
    etcd_username: 'text',
    group: 'text',
  }),
  window_start: {
    ...meaning('text', { kind: 'variable', name: 'REBOOT_WINDOW_START' }),
    shape: {
      pattern: /^((sun|mon|tue|wed|thu|fri|sat) )?0*(\d|1\d|2[0-3]):0*(\d|[1-5]\d)$/i,
      words: 'a time such as 14:00 or Thu 23:00',
    },
  },
  window_length: {
    ...meaning('text', { kind: 'variable', name: 'REBOOT_WINDOW_LENGTH' }),
    shape: { pattern: /^[-+]?(\d*(\.\d*)?[a-z]+)+$/, words: 'a duration such as 1h30m' },
  },
};

const update: SectionKeys = {
  reboot_strategy: {
    ...meaning('text', { kind: 'variable', name: 'REBOOT_STRATEGY' }),
    shape: {
      pattern: /^(best-effort|etcd-lock|reboot|off)$/,
      words: 'etcd-lock, reboot, off or best-effort',
    },
  },
  ...variables('', { group: 'text', server: 'text' }),
};

const oem = variables('', {
  id: 'text',
  name: 'text',
  version_id: 'text',
  home_url: 'text',
  bug_report_url: 'text',
});

/** The sections of `coreos:` besides `units`, each with its keys. */
export const sectionKeys = {
  ...{ etcd: etcdZero, etcd2: etcdTwo, etcd3: etcdThree },
  ...{ fleet, flannel, locksmith, oem, update },
} as const satisfies Readonly<Record<string, SectionKeys>>;

/** A section of `coreos:` that holds settings. */
export type SectionName = keyof typeof sectionKeys;

export const sectionNames = Object.keys(sectionKeys) as readonly SectionName[];
