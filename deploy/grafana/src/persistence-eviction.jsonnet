// What memory pressure and durability cost a server.
local d = import 'dashboard.libsonnet';
local each(expr, legend='{{instance}}') = d.query(expr, legend);

d.dashboard('persistence-eviction', 'Persistence and eviction', 'Memory pressure, expiry, snapshots and the append-only file.', [
  d.variable('job', 'Job', 'redis_up'),
  d.variable('instance', 'Node', 'redis_up{job=~"$job"}'),
], [
  d.row('Memory pressure', [
    d.series('Memory over maxmemory', 'At 100% the server evicts.', 'percentunit', [
      each('%s / (%s > 0)' % [d.of('redis_memory_used_bytes'), d.of('redis_memory_max_bytes')]),
    ]),
    d.series('Hit rate', 'Look-ups that found their key. It falls when wanted keys are evicted.', 'percentunit', [
      each(d.of('instance:redis_hit_ratio:rate10s')),
    ]),
    d.series('Evicted', 'Keys evicted a second.', 'ops', [each(d.rate('redis_evicted_keys_total'))]),
    d.series('Misses', 'Look-ups a second that found nothing: what the store behind has to take.', 'ops', [
      each(d.rate('redis_keyspace_misses_total')),
    ]),
  ]),
  d.row('Keys and expiry', [
    d.series('Keys', 'All keys, and those with a time to live.', 'none', [
      each('sum by (instance) (%s)' % d.of('redis_db_keys'), '{{instance}} keys'),
      each('sum by (instance) (%s)' % d.of('redis_db_keys_expiring'), '{{instance}} with a time to live'),
    ]),
    d.series('Expired', 'Keys a second, and active cycles that ran out of time.', 'ops', [
      each(d.rate('redis_expired_keys_total'), '{{instance}} keys'),
      each(d.rate('redis_expired_time_cap_reached_total'), '{{instance}} cycles cut short'),
    ]),
  ]),
  d.row('Snapshots and forks', [
    d.series('Latest fork', 'How long the server stood still for it. It stays until the next fork.', 's', [each(d.of('redis_latest_fork_seconds'))]),
    d.states('Under way', '1 while a child of the server writes.', [
      each(d.of('redis_rdb_bgsave_in_progress'), '{{instance}} snapshot'),
      each(d.of('redis_aof_rewrite_in_progress'), '{{instance}} AOF rewrite'),
    ]),
    d.series('Copied pages', 'Memory that the last snapshot and the last rewrite made the server copy.', 'bytes', [
      each(d.of('redis_rdb_last_cow_size_bytes'), '{{instance}} snapshot'),
      each(d.of('redis_aof_last_cow_size_bytes'), '{{instance}} AOF rewrite'),
    ]),
    d.series('Writes since the last snapshot', 'What a crash would lose without an AOF.', 'none', [
      each(d.of('redis_rdb_changes_since_last_save')),
    ]),
  ]),
  d.row('Append-only file', [
    d.series('Delayed fsyncs', 'Writes a second that waited for an fsync of more than two seconds (appendfsync everysec).', 'ops', [
      each(d.rate('redis_aof_delayed_fsync')),
    ]),
    d.series('Pending fsyncs', 'That the background thread has yet to do.', 'none', [each(d.of('redis_aof_pending_bio_fsync'))]),
    d.series('Size', 'Of the append-only file, and after its last rewrite.', 'bytes', [
      each(d.of('redis_aof_current_size_bytes'), '{{instance}} now'),
      each(d.of('redis_aof_base_size_bytes'), '{{instance}} after the last rewrite'),
    ]),
    d.states('Failed', '1: the last one did not succeed.', [
      each('1 - %s' % d.of('redis_rdb_last_bgsave_status'), '{{instance}} snapshot'),
      each('1 - %s' % d.of('redis_aof_last_write_status'), '{{instance}} AOF write'),
      each('1 - %s' % d.of('redis_aof_last_bgrewrite_status'), '{{instance}} AOF rewrite'),
    ]),
  ]),
])
