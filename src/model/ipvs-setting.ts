/**
 * Settings of the kernel's IPVS that hold for a whole network namespace, by the kernel's own names
 * (Documentation/networking/ipvs-sysctl.rst). Each is a file of that name below /proc/sys/net/ipv4/vs.
 */
export interface IpvsSettings {
  readonly expire_nodest_conn?: boolean;
  readonly expire_quiescent_template?: boolean;
  readonly conn_reuse_mode?: number;
  readonly sloppy_tcp?: boolean;
  readonly sloppy_sctp?: boolean;
  readonly schedule_icmp?: boolean;
  readonly nat_icmp_send?: boolean;
  readonly pmtu_disc?: boolean;
  readonly conntrack?: boolean;
  readonly snat_reroute?: boolean;
  readonly ignore_tunneled?: boolean;
  readonly cache_bypass?: boolean;
  readonly drop_entry?: number;
  readonly drop_packet?: number;
  readonly secure_tcp?: number;
  readonly amemthresh?: number;
  readonly am_droprate?: number;
  readonly run_estimation?: boolean;
  readonly est_nice?: number;
}

export type IpvsSetting = keyof IpvsSettings;

/** The kernel's file of a setting, below /proc/sys. */
export function ipvsSettingPath(name: IpvsSetting): string {
  return `net/ipv4/vs/${name}`;
}

/** A setting's value as the kernel's file has it. */
export function ipvsSettingText(value: boolean | number): string {
  return String(Number(value));
}

/** Settings in which 1 stands for "automatic": the kernel makes it 2 while memory is short, and 1 again after that. */
const DEFENCES: ReadonlySet<string> = new Set(
  // ip_vs_ctl.c, update_defense_level
  (["drop_entry", "drop_packet", "secure_tcp"] as const).map(ipvsSettingPath),
);

/** Whether two texts of a kernel setting mean the same: what the kernel changes by itself is nobody's change. */
export function isSameSetting(path: string, a: string, b: string): boolean {
  const meaning = (text: string) => (DEFENCES.has(path) && text === "2" ? "1" : text);
  return meaning(a) === meaning(b);
}
