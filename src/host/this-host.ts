import { loadKeys } from "../config/load.ts";
import { AddressClient } from "../kernel/addresses/address-client.ts";
import { LinkClient } from "../kernel/addresses/link-client.ts";
import { readSysctl } from "../kernel/machine/sysctl.ts";
import { TandemError } from "../lib/errors.ts";
import type { IpAddress } from "../model/address.ts";
import { readSecret } from "../probe/protocols/secret.ts";
import type { Complaint, Host } from "./host.ts";
import { readableFileComplaint } from "./named-file.ts";
import { programComplaint } from "./program-file.ts";

function keyFileComplaint(path: string): Complaint | undefined {
  try {
    loadKeys(path);
    return undefined;
  } catch (error) {
    if (!(error instanceof TandemError)) throw error;
    return { problem: `is of no use: ${error.reason}`, ...(error.hint === undefined ? {} : { hint: error.hint }) };
  }
}

function secretFileComplaint(path: string): Complaint | undefined {
  const complaint = readableFileComplaint(path);
  if (complaint !== undefined) return complaint;
  const secret = readSecret(path);
  return secret.ok ? undefined : { problem: `is of no use: ${secret.problem}` };
}

/** The setting has the interface's name between slashes, since names may have dots. */
function ipv6Complaint(name: string): Complaint | undefined {
  const setting = `net/ipv6/conf/${name}/disable_ipv6`;
  if (readSysctl("net/ipv6/conf/all/disable_ipv6") === undefined) {
    return { problem: "is not in this kernel", hint: "boot it without ipv6.disable=1" };
  }
  if (readSysctl(setting) !== "1") return undefined;
  return { problem: `is switched off on ${name}`, hint: `sysctl -w ${setting}=0` };
}

/** The machine that this process runs on. The kernel is asked once, when something of it is wanted first. */
export function thisHost(): Host {
  let names: ReadonlySet<string> | undefined;
  let local: readonly IpAddress[] | undefined;
  const interfaces = () => {
    using links = LinkClient.open();
    return new Set(links.list().map(({ name }) => name));
  };
  const addresses = () => {
    using client = AddressClient.open();
    return client.list().map(({ prefix }) => prefix.address);
  };
  return {
    hasInterface: (name) => {
      names ??= interfaces();
      return names.has(name);
    },
    ipv6: ipv6Complaint,
    addresses: () => {
      local ??= addresses();
      return local;
    },
    keyFile: keyFileComplaint,
    file: readableFileComplaint,
    secretFile: secretFileComplaint,
    program: programComplaint,
  };
}
