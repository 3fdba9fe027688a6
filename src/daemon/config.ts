import ini from 'ini';
import { byText } from '../lib/order.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import { userRuntimeDirectory } from './places.ts';
import {
  type ListenAddress,
  type Settings,
  settingDefaults,
  settingParsers,
  settingsWithoutEffect,
  wedgeMsOf,
  wedgePerTtlMin,
} from './settings.ts';

/** Where a configuration comes from: the text of fleet.conf (null: no such file) and `FLEET_*`. */
export interface ConfigSource {
  readonly fileName: string;
  readonly fileText: string | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** A usable configuration and what its reader should be told. */
export interface ReadConfig {
  readonly settings: Settings;
  readonly warnings: readonly string[];
}

interface Assignment {
  readonly name: string;
  readonly value: string;
  /** `fleet.conf:12` or `FLEET_METADATA`. */
  readonly where: string;
}

/**
 * Reads `fleet.conf` (INI, global level) with `FLEET_<OPTION>` laid over it. Errors come all at
 * once, each with its place.
 */
export function readConfig(source: ConfigSource): Result<ReadConfig, readonly string[]> {
  const assignments = [...fromFile(source), ...fromEnvironment(source.environment)];
  const errors: string[] = [];
  const warnings: string[] = [];
  const values: Partial<Record<keyof Settings, unknown>> = {};
  for (const { name, value, where } of assignments) {
    const parser = Object.hasOwn(settingParsers, name) ? settingParsers[name] : undefined;
    if (parser === undefined) {
      warnings.push(`${where}: ${complaintAbout(name)}`);
      continue;
    }
    const parsed = parser.parse(value);
    if (parsed.ok) values[parser.field] = parsed.value;
    else errors.push(`${where}: ${name} ${parsed.error}`);
  }
  const given = values as Partial<Settings>;
  const own = given.systemdUser === true ? userDefaults(source.environment) : ok({});
  if (!own.ok) errors.push(own.error);
  const settings = { ...settingDefaults, ...(own.ok ? own.value : {}), ...given };
  errors.push(...contradictions(settings));
  warnings.push(...withoutEffect(settings));
  return errors.length > 0 ? fail(errors) : ok({ settings, warnings });
}

function fromFile({ fileName, fileText }: ConfigSource): Assignment[] {
  if (fileText === null) return [];
  const lines = fileText.split(/\r?\n/);
  return Object.entries(ini.parse(fileText)).flatMap(([name, value]): Assignment[] => {
    const line = lines.findLastIndex((text) => {
      const written = text.trim();
      return written.startsWith(name) && /^\s*(=|$)/.test(written.slice(name.length));
    });
    const where = line < 0 ? fileName : `${fileName}:${line + 1}`;
    // A `[section]` comes as an object and a bare `key` as true: fleet.conf has neither.
    if (typeof value === 'object' && !Array.isArray(value)) {
      return [{ name: `[${name}]`, value: '', where: sectionPlace(fileName, lines, name) }];
    }
    return [{ name, value: value === true ? 'true' : String(value), where }];
  });
}

function sectionPlace(fileName: string, lines: readonly string[], name: string): string {
  const line = lines.findIndex((text) => text.trim() === `[${name}]`);
  return line < 0 ? fileName : `${fileName}:${line + 1}`;
}

const environmentPrefix = 'FLEET_';

function fromEnvironment(environment: ConfigSource['environment']): Assignment[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith(environmentPrefix))
    .sort(byText)
    .map((where) => ({
      name: where.slice(environmentPrefix.length).toLowerCase(),
      value: environment[where] ?? '',
      where,
    }));
}

function complaintAbout(name: string): string {
  const why = Object.hasOwn(settingsWithoutEffect, name) ? settingsWithoutEffect[name] : undefined;
  if (why !== undefined) return `${name} has no effect: ${why}`;
  return `unknown option ${name} ignored`;
}

/** What a user may write to. */
function userDefaults(environment: ConfigSource['environment']): Result<Partial<Settings>, string> {
  const runtime = userRuntimeDirectory(environment);
  return runtime === null
    ? fail('systemd_user=true wants XDG_RUNTIME_DIR: run fleetd as a service of systemd --user')
    : ok({ unitsDirectory: `${runtime}/fleet/units` });
}

function contradictions(settings: Settings): string[] {
  const errors: string[] = [];
  const { agentTtlMs } = settings;
  if (wedgeMsOf(settings) < wedgePerTtlMin * agentTtlMs) {
    const least = (wedgePerTtlMin * agentTtlMs) / 1_000;
    errors.push(`wedge_seconds must be at least ${wedgePerTtlMin} times agent_ttl: ${least}`);
  }
  if ((settings.etcdCertFile === null) !== (settings.etcdKeyFile === null)) {
    errors.push('etcd_certfile and etcd_keyfile must be set together');
  }
  if ((settings.etcdUsername === null) !== (settings.etcdPassword === null)) {
    errors.push('etcd_username and etcd_password must be set together');
  }
  const secureCount = settings.etcdServers.filter(isHttps).length;
  if (secureCount > 0 && secureCount < settings.etcdServers.length) {
    errors.push('etcd_servers must be all http:// or all https://');
  }
  const open = settings.apiListen.find(isOpenToOthers);
  if (open !== undefined && !settings.insecureTcp) {
    errors.push(
      `api_listen: tcp://${open.host}:${open.port} would give root on every machine to whoever ` +
        'reaches it; listen on 127.0.0.1, or set insecure_tcp=true if the network is yours alone',
    );
  }
  return errors;
}

function withoutEffect({ etcdServers, etcdCaFile, etcdCertFile }: Settings): string[] {
  if (etcdServers.some(isHttps) || (etcdCaFile === null && etcdCertFile === null)) return [];
  return ['etcd_cafile, etcd_certfile and etcd_keyfile have no effect: etcd_servers is http://'];
}

function isHttps(url: string): boolean {
  return url.startsWith('https://');
}

/** Whether an address can be reached from other machines. */
export function isOpenToOthers(
  address: ListenAddress,
): address is Extract<ListenAddress, { kind: 'tcp' }> {
  if (address.kind !== 'tcp') return false;
  return !/^(127\.\d+\.\d+\.\d+|localhost|::1)$/.test(address.host);
}
