// A cluster: how its load is spread over nodes and slots, and what moves. The nodes' figures are recorded series
// (deploy/prometheus/rules/recording.yml); slots and redirects are the driver's, because no server counts them.
local d = import 'dashboard.libsonnet';
local each(expr, legend='{{instance}}') = d.query(expr, legend);

d.dashboard('cluster', 'Cluster', 'Load by node and by slot, redirects, replication.', [
  d.variable('job', 'Job', 'up'),
  d.variable('instance', 'Node or driver', 'up{job=~"$job"}'),
  d.variable('stack', 'Stack', 'redis_up{job=~"$job"}'),
], [
  d.row('Nodes', [
    d.stat('Slots served', 'As the nodes see them: all 16384, or some operations are refused.', 'none', [
      each('min(%s)' % d.of('redis_cluster_slots_ok', 'stack=~"$stack"'), ''),
    ]),
    d.stat('Masters', 'That serve slots.', 'none', [each('max(%s)' % d.of('redis_cluster_size', 'stack=~"$stack"'), '')]),
    d.stat('Nodes up', 'That answer the exporter.', 'none', [each('sum(%s)' % d.of('redis_up', 'stack=~"$stack"'), '')]),
    d.stat('Skew', "The busiest master's commands over the mean of the others'. 1: evenly spread.", 'none', [
      each('max(%s)' % d.of('instance:redis_shard_skew:ratio10s', 'stack=~"$stack"'), ''),
    ]),
    d.series('Commands by master', 'Each master, a second. A hot key or slot lifts one of them.', 'ops', [
      each(d.of('instance:redis_master_commands:rate10s', 'stack=~"$stack"')),
    ]),
    d.series('Main thread by node', 'Share of a core that each main thread uses.', 'percentunit', [
      each(d.of('instance:redis_main_thread_cpu:rate10s', 'stack=~"$stack"')),
    ]),
    d.series('Operations by node', "The driver's operations that each node completed.", 'ops', [
      each('sum by (addr) (%s)' % d.rate('redline_node_operations_total'), '{{addr}}'),
    ]),
    d.series('Service p99 by node', 'From the send to the reply, by the node that answered.', 's', [
      each('histogram_quantile(0.99, sum by (addr, le) (%s))' % d.rate('redline_node_service_seconds_bucket'), '{{addr}}'),
    ]),
  ]),
  d.row('Slots', [
    d.heat('Heat of the slots', "The driver's operations by range of 128 slots. A hot key is one bright line.", 'ops', [
      each('sum by (slots) (%s)' % d.rate('redline_slot_range_operations_total'), '{{slots}}'),
    ]),
    d.bars('Hottest slots', 'The ten slots with most operations of the run so far: operations a second.', 'ops', [
      each('topk(10, sum by (slot) (%s))' % d.rate('redline_hot_slot_operations_total'), '{{slot}}'),
    ]),
    d.series('Redirects', 'Replies a second that sent an operation elsewhere (MOVED, ASK) or made it wait (TRYAGAIN, CLUSTERDOWN).', 'ops', [
      each('sum by (kind) (%s)' % d.rate('redline_redirects_total'), '{{kind}}'),
    ]),
    d.series('Slots that move', 'MIGRATE and CLUSTER SETSLOT a second, by node.', 'ops', [
      each('sum by (instance, cmd) (%s)' % d.rate('redis_commands_total', 'job="redis", stack=~"$stack", cmd=~"migrate|cluster.setslot"'), '{{instance}} {{cmd}}'),
    ]),
    d.series('Redirects by node', 'MOVED and ASK that each node answered.', 'ops', [
      each('sum by (addr) (%s)' % d.rate('redline_node_redirects_total'), '{{addr}}'),
    ]),
  ]),
  d.row('Replication', [
    d.series('Lag in bytes', 'Of the replication stream that the slowest replica of each master has not acknowledged.', 'bytes', [
      each('max by (instance) (%s - on (stack, instance) group_right () %s)' % [d.of('redis_master_repl_offset', 'job="redis", stack=~"$stack"'), d.of('redis_connected_slave_offset_bytes', 'stack=~"$stack"')]),
    ]),
    d.series('Lag in seconds', "Since a replica's last acknowledgement. One second is normal.", 's', [
      each('max by (instance) (%s)' % d.of('redis_connected_slave_lag_seconds', 'stack=~"$stack"')),
    ]),
    d.series('Replication stream', 'Bytes a second that each master writes to its replicas.', 'Bps', [
      each(d.rate('redis_master_repl_offset', 'job="redis", stack=~"$stack"')),
    ]),
    d.states('Link to the master', '1: the replica has one.', [
      each(d.of('redis_master_link_up', 'stack=~"$stack"'), '{{instance}} of {{master_host}}:{{master_port}}'),
    ]),
  ]),
])
