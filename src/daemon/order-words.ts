import { formatEndpoint } from "../model/address.ts";
import { formatServiceKey } from "../model/virtual-service.ts";
import type { ControlRequest } from "./control-protocol.ts";

type ServerRequest = Extract<ControlRequest, { readonly command: "drain" | "undrain" | "weight" }>;

function serverWords({ endpoint, service }: ServerRequest): string {
  const where = service === undefined ? "every service" : formatServiceKey(service);
  return `${endpoint === undefined ? "every real server" : `real server ${formatEndpoint(endpoint)}`} of ${where}`;
}

/** What a request orders, for the log; undefined for one that only asks. */
export function orderWords(request: ControlRequest): string | undefined {
  switch (request.command) {
    case "status":
    case "checks":
    case "history":
    case "heartbeats":
      return undefined;
    case "drain":
    case "undrain":
      return `${request.command} ${serverWords(request)}`;
    case "weight":
      return `weight ${request.weight} for ${serverWords(request)}`;
    case "hold":
      return request.on ? "hold automatic fail-back" : "end the hold of automatic fail-back";
    case "take":
      return request.force ? "take by force" : "take";
    case "switch":
    case "release":
    case "reload":
      return request.command;
  }
}
