import type { ConfiguredServer, ConfiguredService } from "../../src/config/keys/config.ts";
import { type Endpoint, parseEndpoint } from "../../src/model/address.ts";
import type { Gate } from "../../src/model/gate.ts";
import type { Check, ProbeFailure, ProbeOutcome } from "../../src/model/health-check.ts";
import type { RealServer } from "../../src/model/real-server.ts";
import { parseServiceKey, type ServiceKey, type VirtualService } from "../../src/model/virtual-service.ts";

/** Literals of the model for tests of balancing. */

export function endpoint(text: string): Endpoint {
  const result = parseEndpoint(text);
  if (!result.ok) throw new Error(result.problem);
  return result.value;
}

export function serviceKey(text: string): ServiceKey {
  const result = parseServiceKey(text);
  if (!result.ok) throw new Error(result.problem);
  return result.value;
}

export function virtualService(text: string, changes: Partial<VirtualService> = {}): VirtualService {
  return { key: serviceKey(text), scheduler: "wlc", schedulerFlags: [], onePacket: false, ...changes };
}

export function realServer(text: string, changes: Partial<RealServer> = {}): RealServer {
  return { endpoint: endpoint(text), forward: "nat", weight: 1, upperThreshold: 0, lowerThreshold: 0, ...changes };
}

export const TCP_CHECK: Check = { intervalMs: 1_000, timeoutMs: 500, rise: 2, fall: 3, method: { kind: "tcp" } };

export function checked(text: string, check: Check = TCP_CHECK, changes: Partial<RealServer> = {}): ConfiguredServer {
  return { server: realServer(text, changes), check };
}

export function configuredService(changes: Partial<ConfiguredService> = {}): ConfiguredService {
  return {
    name: "web",
    listen: [virtualService("tcp://203.0.113.10:80")],
    servers: [checked("10.0.0.11:80"), checked("10.0.0.12:80")],
    onFailure: "remove",
    ...changes,
  };
}

export function gate(changes: Partial<Gate> = {}): Gate {
  const { method: _method, ...timing } = TCP_CHECK;
  const subject = { kind: "process", name: "haproxy" } as const;
  return { name: "proxy", effect: "hand-over", when: "always", subject, ...timing, ...changes };
}

export const SUCCESS: ProbeOutcome = { result: "success", elapsedMs: 1, reason: "connected" };

export function failed(failure: ProbeFailure = "timeout"): ProbeOutcome {
  return { result: "failure", elapsedMs: 1, reason: failure, failure };
}
