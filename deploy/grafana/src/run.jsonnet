// A run of the driver, from /metrics of -metrics: what a client of Redis sees.
local d = import 'dashboard.libsonnet';

// Of the runs that are chosen. A driver's address is used by one run after the other.
local chosen(expr) = '(%s and on (instance) %s)' % [expr, d.of('redline_run_info', 'run=~"$run"')];
local rate(metric, more='') = chosen(d.rate(metric, more));
local now(metric, more='') = chosen(d.of(metric, more));
local sum(expr, by='') = if by == '' then 'sum(%s)' % expr else 'sum by (%s) (%s)' % [by, expr];
local quantile(q, measure, by='') =
  'histogram_quantile(%s, %s)' % [q, sum(rate('redline_%s_seconds_bucket' % measure), if by == '' then 'le' else by + ', le')];
local quantiles(measure) = [
  d.query(quantile('0.5', measure), 'p50'),
  d.query(quantile('0.99', measure), 'p99'),
  d.query(quantile('0.999', measure), 'p999'),
];

d.dashboard('run', 'Run', 'A run of redline driver as its clients see it.', [
  d.variable('job', 'Job', 'redline_run_info'),
  d.variable('instance', 'Driver', 'redline_run_info{job=~"$job"}'),
  d.variable('run', 'Run', 'redline_run_info{job=~"$job", instance=~"$instance"}'),
], [
  d.row('Does it keep up?', [
    d.stat('Completed', 'Operations completed a second.', 'ops', [
      d.query(sum(rate('redline_operations_total', 'outcome="completed"')), ''),
    ]),
    d.stat('Target', 'The rate that was asked for; 0: as fast as replies allow.', 'ops', [
      d.query(sum(now('redline_target_operations_per_second')), ''),
    ]),
    d.stat('Response p99', 'What 99% of the operations wait at most, from the time they were due.', 's', [
      d.query(quantile('0.99', 'response'), ''),
    ]),
    d.stat('Hit rate', 'Reads answered with a value.', 'percentunit', [
      d.query('%s / (%s + %s)' % [sum(rate('redline_cache_hits_total')), sum(rate('redline_cache_hits_total')), sum(rate('redline_cache_misses_total'))], ''),
    ]),
    d.stat('Failed', 'Operations failed a second, whatever the reason.', 'ops', [
      d.query(sum(rate('redline_errors_total')), ''),
    ]),
    d.stat('Corrupt values', 'Values that were wrong, ever. Anything but 0 is a defect.', 'none', [
      d.query(sum(chosen('increase(%s[$__range])' % d.of('redline_values_corrupt_total'))), ''),
    ]),
    d.series('Operations', 'Completed by kind, beside the target.', 'ops', [
      d.query(sum(rate('redline_operations_total', 'outcome="completed"'), 'op'), '{{op}}'),
      d.query(sum(now('redline_target_operations_per_second')), 'target'),
    ]),
    d.series('Queues', 'Backlog: due and not sent. Outstanding: sent and not answered. A backlog that grows means that the server takes less than the target.', 'none', [
      d.query(sum(now('redline_backlog_operations')), 'backlog'),
      d.query(sum(now('redline_outstanding_operations')), 'outstanding'),
    ]),
    d.series('Failures', 'Operations failed a second, by reason.', 'ops', [
      d.query(sum(rate('redline_errors_total'), 'kind'), '{{kind}}'),
    ]),
    d.states('Phase and faults', 'The phase of the run, and the faults of -chaos that are under way.', [
      d.query(now('redline_run_phase'), '{{phase}}'),
      d.query(d.of('redline_fault_active'), '{{fault}}'),
    ]),
  ]),
  d.row('Latency', [
    d.series('Response time', 'From the time an operation was due until its reply: what a user waits.', 's', quantiles('response')),
    d.series('Service time', 'From the time it was sent until its reply: server, kernel and wire.', 's', quantiles('service')),
    d.series('Lateness', 'From the time it was due until it was sent, whatever held it up.', 's', quantiles('lateness')),
    d.series('Dispatch', "The generator's own part of lateness. A run in which it is large measures the generator.", 's', quantiles('dispatch')),
    d.series('Response p99 by kind', 'Reads and writes apart: an fsync is in the writes.', 's', [
      d.query(quantile('0.99', 'response', 'op'), '{{op}}'),
    ]),
    d.series('Within 1 ms', 'Share of operations whose response time was 1 ms or less: the service level for reads.', 'percentunit', [
      d.query('%s / %s' % [sum(rate('redline_response_seconds_bucket', 'le="0.001"'), 'op'), sum(rate('redline_response_seconds_count'), 'op')], '{{op}}'),
    ]),
    d.heat('Response times', 'All operations by response time. Pauses show as columns, slow groups as lines.', 's', [
      d.buckets(sum(rate('redline_response_seconds_bucket'), 'le')),
    ]),
  ]),
  d.row('Cache', [
    d.series('Hits and misses', 'Reads a second that were answered with a value, and with nil.', 'ops', [
      d.query(sum(rate('redline_cache_hits_total')), 'hits'),
      d.query(sum(rate('redline_cache_misses_total')), 'misses'),
    ]),
    d.series('Values verified', 'Values compared with what they must be, and those that were wrong.', 'ops', [
      d.query(sum(rate('redline_values_checked_total')), 'checked'),
      d.query(sum(rate('redline_values_corrupt_total')), 'corrupt'),
    ]),
  ]),
  d.row('Store', [
    d.series('Requests', 'Rows asked for and rows to be written a second, of the store behind the cache. Empty in a run without one.', 'ops', [
      d.query(sum(rate('redline_store_requests_total'), 'op'), '{{op}}'),
    ]),
    d.series('Outcomes', 'What became of them: found, stored, missing, timed out, shed by admission control, and each kind of failure.', 'ops', [
      d.query(sum(rate('redline_store_outcomes_total'), 'outcome'), '{{outcome}}'),
    ]),
    d.series('Store response time', 'From asking the store until its outcome, its queue included.', 's', quantiles('store_response')),
    d.series('Store service time', 'From giving a request to a connection until its outcome. Far below the response time: the queue is the problem, and not the store.', 's', quantiles('store_service')),
    d.series('Waiting', 'Operations that wait for the store, and requests of theirs that wait for one of its connections.', 'none', [
      d.query(sum(now('redline_store_waiting_operations')), 'operations'),
      d.query(sum(now('redline_store_queue_requests')), 'in the queue'),
    ]),
    d.series('Defences', 'What coalescing, locks and early refreshes did, and stale refills that were seen.', 'ops', [
      d.query(sum(rate('redline_miss_defences_total'), 'event'), '{{event}}'),
    ]),
  ]),
  d.row('Generator', [
    d.series('Generator busy', "Share of the workers' time in which they did work: their CPU time without spinning.", 'percentunit', [
      d.query('(%s - %s) / %s' % [sum(rate('redline_generator_cpu_seconds_total')), sum(rate('redline_generator_idle_seconds_total')),
                                  sum(now('redline_generator_threads'))], 'busy'),
    ]),
    d.series('CPU time of the workers', 'In cores. User and system include spinning with nothing to do; waiting: others had their cores.', 'none', [
      d.query(sum(rate('redline_generator_cpu_seconds_total'), 'mode'), '{{mode}}'),
      d.query(sum(rate('redline_generator_core_waiting_seconds_total')), 'waiting for a core'),
      d.query(sum(rate('redline_generator_idle_seconds_total')), 'spinning'),
      d.query(sum(now('redline_generator_threads')), 'threads'),
    ]),
    d.series('Longest pass', "The longest pass of a worker's loop so far: the generator's own worst stall.", 's', [
      d.query('max(%s)' % now('redline_generator_longest_pass_seconds'), 'longest pass'),
    ]),
    d.series('Sent again', 'Operations sent again, and connections that were lost and opened again.', 'ops', [
      d.query(sum(rate('redline_retried_operations_total')), 'retried'),
      d.query(sum(rate('redline_reconnects_total')), 'reconnects'),
    ]),
    d.series('Batch', 'Operations in a unit that was written to a connection, on average.', 'none', [
      d.query('%s / %s' % [sum(rate('redline_sent_operations_total')), sum(rate('redline_batches_total'))], 'operations'),
    ]),
    d.series('Network', 'Bytes a second on all connections of the driver.', 'Bps', [
      d.query(sum(rate('redline_sent_bytes_total')), 'sent'),
      d.query(sum(rate('redline_received_bytes_total')), 'received'),
    ]),
  ]),
])
