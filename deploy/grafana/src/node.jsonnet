// One redis-server or several side by side, from prometheus-redis-exporter.
local d = import 'dashboard.libsonnet';
local each(expr, legend='{{instance}}') = d.query(expr, legend);

d.dashboard('node', 'Node', 'Redis servers by their own figures: load, time, clients, memory.', [
  d.variable('job', 'Job', 'redis_up'),
  d.variable('instance', 'Node', 'redis_up{job=~"$job"}'),
], [
  d.row('Now', [
    d.stat('Up', '1: it answers.', 'none', [each(d.of('redis_up'))]),
    d.stat('Commands', 'Commands a second.', 'ops', [each(d.rate('redis_commands_processed_total'))]),
    d.stat('Main thread', 'Share of a core that the thread which runs commands uses. At 100% it is the bound.', 'percentunit', [
      each('%s + %s' % [d.rate('redis_cpu_user_main_thread_seconds_total'), d.rate('redis_cpu_sys_main_thread_seconds_total')]),
    ]),
    d.stat('Memory', 'used_memory.', 'bytes', [each(d.of('redis_memory_used_bytes'))]),
    d.stat('Keys', 'In all databases.', 'none', [each('sum by (instance) (%s)' % d.of('redis_db_keys'))]),
    d.stat('Clients', 'Open connections.', 'none', [each(d.of('redis_connected_clients'))]),
  ]),
  d.row('Load', [
    d.series('Commands', 'Executed a second.', 'ops', [each(d.rate('redis_commands_processed_total'))]),
    d.series('Main thread', 'User and system time of the thread that runs commands, in cores.', 'percentunit', [
      each(d.rate('redis_cpu_user_main_thread_seconds_total'), '{{instance}} user'),
      each(d.rate('redis_cpu_sys_main_thread_seconds_total'), '{{instance}} system'),
    ]),
    d.series('Time by command', 'What the main thread spends its time on: seconds a second, the five most expensive.', 'percentunit', [
      each('topk(5, sum by (cmd) (%s))' % d.rate('redis_commands_duration_seconds_total'), '{{cmd}}'),
    ]),
    d.series('Mean time of a call', 'Of the five slowest commands. An O(N) command on a large key stands out.', 's', [
      each('topk(5, sum by (cmd) (%s) / (sum by (cmd) (%s) > 0))' % [d.rate('redis_commands_duration_seconds_total'), d.rate('redis_commands_total')], '{{cmd}}'),
    ]),
    d.series('Commands by read', 'Commands executed for each read of a socket: the batch that the event loop sees.', 'none', [
      each('%s / %s' % [d.rate('redis_commands_processed_total'), d.rate('redis_total_reads_processed')]),
    ]),
    d.series('Latest slow command', 'The newest entry of the slow log. It stays until the next one comes.', 's', [
      each(d.of('redis_last_slow_execution_duration_seconds')),
    ]),
  ]),
  d.row('Answers', [
    d.series('Hit rate', 'Look-ups that found their key.', 'percentunit', [
      each('%s / (%s + %s > 0)' % [d.rate('redis_keyspace_hits_total'), d.rate('redis_keyspace_hits_total'), d.rate('redis_keyspace_misses_total')]),
    ]),
    d.series('Error replies', 'A second. MOVED and ASK count as errors.', 'ops', [each('rate(%s[$__rate_interval])' % d.of('redis_total_error_replies'))]),
  ]),
  d.row('Clients and network', [
    d.series('Clients', 'Open connections, and those in a blocking command.', 'none', [
      each(d.of('redis_connected_clients'), '{{instance}} connected'),
      each(d.of('redis_blocked_clients'), '{{instance}} blocked'),
    ]),
    d.series('Connections', 'Accepted and refused a second.', 'ops', [
      each(d.rate('redis_connections_received_total'), '{{instance}} accepted'),
      each(d.rate('redis_rejected_connections_total'), '{{instance}} refused'),
    ]),
    d.series('Network', 'Bytes a second.', 'Bps', [
      each(d.rate('redis_net_input_bytes_total'), '{{instance}} in'),
      each(d.rate('redis_net_output_bytes_total'), '{{instance}} out'),
    ]),
    d.series('Cost of observation', "How long the exporter's own reading of the server took.", 's', [
      each(d.of('redis_exporter_last_scrape_duration_seconds')),
    ]),
  ]),
  d.row('Memory', [
    d.series('Memory', 'used_memory, resident memory and the limit.', 'bytes', [
      each(d.of('redis_memory_used_bytes'), '{{instance}} used'),
      each(d.of('redis_memory_used_rss_bytes'), '{{instance}} resident'),
      each(d.of('redis_memory_max_bytes'), '{{instance}} maxmemory'),
    ]),
    d.series('Fragmentation', 'Resident memory over used_memory.', 'none', [each(d.of('redis_mem_fragmentation_ratio'))]),
  ]),
])
