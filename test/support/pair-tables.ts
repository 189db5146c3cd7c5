/** The tables that every configuration has, as text: the pair, and one VIP. Services and the rest come behind them. */
export const PAIR_TABLES = `[pair]
key_file = "/etc/tandem/pair.key"
[pair.primary]
name    = "lvs1"
public  = "203.0.113.2"
private = "10.0.0.2"
[pair.backup]
name    = "lvs2"
public  = "203.0.113.3"
private = "10.0.0.3"
[[vip]]
address   = "203.0.113.10/24"
interface = "eth0"
`;
