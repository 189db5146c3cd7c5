import type { IpAddress } from "../model/address.ts";

/** What is wrong with a file, a program or a user that the configuration names. */
export interface Complaint {
  /** A clause that follows what was named: `does not exist (ENOENT)`. */
  readonly problem: string;
  readonly hint?: string;
}

/** What is asked about the machine that a configuration is for. Nothing of it waits for anything but the disk. */
export interface Host {
  hasInterface(name: string): boolean;
  /** Why an IPv6 address cannot be set on that interface, a clause that follows "IPv6"; undefined: it can, or the interface is not there. */
  ipv6(name: string): Complaint | undefined;
  /** Every address that an interface of this machine has. */
  addresses(): readonly IpAddress[];
  /** Why the file with the pair's keys is of no use; undefined: it is. */
  keyFile(path: string): Complaint | undefined;
  /** Why a file can't be read; undefined: it can. */
  file(path: string): Complaint | undefined;
  /** Why the file with a secret in its first line is of no use. */
  secretFile(path: string): Complaint | undefined;
  /** Why a program can't be started. @param user who it is run as; undefined: as the daemon, which is root. */
  program(path: string, user: string | undefined): Complaint | undefined;
}
