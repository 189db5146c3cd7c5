/**
 * A commented configuration file to begin with: `tandem config example`. It parses without a warning, and it still does
 * when every line that begins with `#` and no space after it is put into force.
 */
export const exampleConfig = `# tandem: a pair of LVS routers. The same file goes to both of them.
# All keys are described in tandem.toml(5). Check it with: tandem config check
# Services, gates and VIPs can stand in files of their own, named here at the
# top of the file: include = ["conf.d/*.toml"]

[pair]
key_file   = "/etc/tandem/pair.key"   # made by: tandem heartbeat keygen
interval   = "200ms"                  # a heartbeat on each path
dead_after = "1s"                     # without a heartbeat for so long the peer counts as dead
failback   = "automatic"              # or "manual"
lease      = "3s"                     # the kernel drops a VIP that is not renewed
#failback_after = "30s"               # the primary is ready for this long first
#port       = 5390
#neighbours = ["203.0.113.1"]         # default: the gateways and the real servers
#stop       = "release"               # or "keep": the VIPs stay for 60 s
#views      = "warn"                  # or "act": hand over when the standby sees more

[pair.primary]                        # the first router
name    = "lvs1"
public  = "203.0.113.2"
private = "10.0.0.2"

[pair.backup]                         # the second router
name    = "lvs2"
public  = "203.0.113.3"
private = "10.0.0.3"

# The addresses that move between the routers, all of them together.
[[vip]]
address   = "203.0.113.10/24"
interface = "eth0"
#label     = "eth0:1"
#required  = true                      # false: it counts for nothing when the routers are compared

# With NAT the real servers' default gateway moves too.
[[vip]]
address   = "10.0.0.1/24"
interface = "eth1"

# What clients connect to, and the servers behind it.
[[service]]
name      = "web"
listen    = "tcp://203.0.113.10:80"   # or a list of them
scheduler = "wlc"                     # rr wrr lc wlc lblc lblcr dh sh sed nq mh fo ovf twos
forward   = "nat"                     # or "direct", "tunnel"
#persistence = "5m"                   # a client keeps its server
#on_failure = "remove"                # or "quiesce": weight 0
#sorry     = "10.0.0.99:80"           # when no server is left
#slow_start = "30s"

  [service.check]
  kind     = "send-expect"            # or "tcp", "http", "https", "external"
  send     = "GET / HTTP/1.0\\r\\n\\r\\n"
  expect   = "HTTP/1."
  interval = "2s"
  timeout  = "1s"
  rise     = 2                        # successes until it gets work again
  fall     = 3                        # failures until it gets none

  [[service.real]]
  address = "10.0.0.11:80"
  weight  = 1
#  upper_threshold = 5000
#  lower_threshold = 4000

  [[service.real]]
  address = "10.0.0.12:80"

# What must hold on the active router; where it fails, the VIPs move to the other one if it passes there.
# One of target, command, process, interface and file, and the keys of [service.check].
#[[gate]]
#name   = "proxy"
#target = "203.0.113.10:8080"
#kind   = "http"
#path   = "/healthz"
#when   = "active"                     # or "always"
#effect = "hand-over"                  # or "warn"

#[[gate]]
#name    = "proxy-runs"
#process = "haproxy"

# Connection synchronisation, on by default where there are services.
#[sync]
#interface = "eth1"
#id        = 1
#sync      = "prompt"                 # or "batched"

# What the kernel does with connections to a server that is removed, or quiesced.
#[ipvs]
#expire_nodest_conn        = true     # they end
#expire_quiescent_template = true     # its persistent clients go elsewhere

# How long the kernel keeps idle connections; default: as it has them.
#[timeouts]
#tcp     = "15m"
#tcp_fin = "2m"
#udp     = "5m"

# Programs that are run when this router changes its role.
#[hooks]
#active  = ["/usr/local/sbin/notify", "active"]
#standby = ["/usr/local/sbin/notify", "standby"]
#timeout = "10s"

#[log]
#format = "text"                      # or "json"
#level  = "info"
`;
