import { parseAddress } from "../../model/address.ts";
import type { PairSettings } from "../../model/pair.ts";
import { serviceFamily } from "../../model/virtual-service.ts";
import type { ConfiguredService, HookSettings, LogSettings, SyncSettings } from "../keys/config.ts";
import type { HOOKS, LOG, SYNC } from "../keys/schema.ts";
import { type Table, whole } from "../keys/table-type.ts";

type SyncTable = Table<typeof SYNC.spec>;

/** Whether a service sends to a real server of the other family, which only a tunnel can. */
function mixesFamilies(service: ConfiguredService): boolean {
  const servers = [
    ...service.servers.map(({ server }) => server),
    ...(service.sorry === undefined ? [] : [service.sorry]),
  ];
  return service.listen.some(({ key }) =>
    servers.some(({ endpoint }) => endpoint.address.family !== serviceFamily(key)),
  );
}

function checkGroup(sync: SyncTable, pair: PairSettings | undefined, enabled: boolean): void {
  const { group } = sync.fields;
  if (!enabled || group === undefined || pair === undefined) return;
  const address = parseAddress(group);
  const own = pair.primary.private;
  if (!address.ok || address.value.family === own.family) return;
  sync.place
    .key("group")
    .warn(
      `group (${group}) and the private addresses (${own.text} …) are of different families`,
      own.family === "inet6" ? 'an IPv6 group is for example "ff02::81"' : "the default is 224.0.0.81",
    );
}

/** `[sync]`: on by default where there are services that the kernel can synchronise. */
export function resolveSync(
  sync: SyncTable | undefined,
  services: readonly ConfiguredService[] | undefined,
  pair: PairSettings | undefined,
): SyncSettings | undefined {
  if (sync === undefined || services === undefined) return undefined;
  const mixed = services.find(mixesFamilies);
  const {
    enabled = services.length > 0 && mixed === undefined,
    interface: name,
    id,
    group,
    port,
    ttl,
    max_length: maxLengthBytes,
    sync: mode,
  } = sync.fields;
  // ip_vs_genl_set_cmd refuses a destination of another family while a sync daemon runs, and a sync daemon after one.
  if (mixed !== undefined) {
    const message = `the service ${mixed.name} mixes IPv4 and IPv6, which the kernel can't synchronise`;
    if (sync.fields.enabled === true) sync.place.key("enabled").error(`${message}, but enabled is true`);
    else if (!sync.given.has("enabled")) sync.place.warn(`${message}, so [sync] is off`, "say so: enabled = false");
  }
  checkGroup(sync, pair, enabled);
  if (maxLengthBytes !== undefined && mode === "prompt") {
    const reason = "max_length has no meaning with sync = prompt, which sends each connection in a message of its own";
    sync.place.key("max_length").error(reason, 'remove it, or set sync = "batched"');
  }
  const parts = whole({ enabled, id, group, port, ttl, mode });
  if (parts === undefined) return undefined;
  return {
    ...parts,
    ...(maxLengthBytes === undefined ? {} : { maxLengthBytes }),
    ...(name === undefined ? {} : { interface: name }),
  };
}

/** `[hooks]`. */
export function resolveHooks(hooks: Table<typeof HOOKS.spec> | undefined): HookSettings | undefined {
  if (hooks === undefined) return undefined;
  const { active, standby, verdict, quorum, takeover, takeover_failure: onFailure, timeout: timeoutMs } = hooks.fields;
  const settings = whole({ active, standby, timeoutMs });
  if (settings === undefined) return undefined;
  const hasStep = takeover !== undefined && takeover.length > 0 && onFailure !== undefined;
  return {
    ...settings,
    ...(verdict === undefined || verdict.length === 0 ? {} : { verdict }),
    ...(quorum === undefined || quorum.length === 0 ? {} : { quorum }),
    ...(hasStep ? { takeover: { program: takeover, onFailure } } : {}),
  };
}

/** `[log]`. */
export function resolveLog(log: Table<typeof LOG.spec> | undefined): LogSettings | undefined {
  if (log === undefined) return undefined;
  const { format, level } = log.fields;
  return whole({ format, level });
}
