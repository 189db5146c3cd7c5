import { type Parsed, parsed, problem } from "../lib/parsed.ts";
import { type IpAddress, sameAddress } from "../model/address.ts";
import type { PairSettings, RouterAddresses, RouterId } from "../model/pair.ts";

function present(router: RouterAddresses, local: readonly IpAddress[]): readonly IpAddress[] {
  return [router.public, router.private].filter((own) => local.some((address) => sameAddress(address, own)));
}

function listed(addresses: readonly IpAddress[]): string {
  return addresses.map((address) => address.text).join(" and ");
}

/** Whether this machine has any address of either router. */
export function hasOwnAddress(
  { pair }: { readonly pair: Pick<PairSettings, "primary" | "backup"> },
  localAddresses: readonly IpAddress[],
): boolean {
  return [pair.primary, pair.backup].some((router) => present(router, localAddresses).length > 0);
}

/**
 * Finds out which router of the configuration this machine is, by the addresses it has.
 * One address is enough, so that a router whose other interface is missing still knows itself.
 * Takes every local address (VIPs and loopback do no harm) and what `--router` said, which wins without a look.
 * Gives the router, or a clause that says why it can't be told.
 */
export function whoAmI(
  config: { readonly pair: Pick<PairSettings, "primary" | "backup"> },
  localAddresses: readonly IpAddress[],
  override?: RouterId,
): Parsed<RouterId> {
  if (override !== undefined) return parsed(override);
  const { primary, backup } = config.pair;
  const asPrimary = present(primary, localAddresses);
  const asBackup = present(backup, localAddresses);
  if (asPrimary.length > 0 && asBackup.length > 0) {
    return problem(
      `this machine has addresses of both routers, ${listed(asPrimary)} of ${primary.name} and ` +
        `${listed(asBackup)} of ${backup.name}; say which one it is with --router primary or --router backup`,
    );
  }
  if (asPrimary.length > 0) return parsed("primary");
  if (asBackup.length > 0) return parsed("backup");
  return problem(
    `this machine has no address of ${primary.name} (${primary.public.text}, ${primary.private.text}) ` +
      `or ${backup.name} (${backup.public.text}, ${backup.private.text})`,
  );
}
